import { TrafficDirection } from "@xebec/api-envoy/envoy/config/core/v3/base";
import type { BuiltFilterChain, BuiltListener, BuiltNetworkFilter } from "../build/built.ts";
import type { TrafficKind } from "../filter/connection.ts";
import { listenerAccessLogs } from "../filter/telemetry/access-logs.ts";
import { modeOf, type WorkloadMode } from "../filter/telemetry/applied.ts";
import { type ManagerTracing, managerTracing } from "../filter/telemetry/hcm-tracing.ts";
import type { Scope } from "../scope/scope.ts";
import type { TraceNode } from "../scope/trace-node.ts";

/**
 * Adds to listeners what holds for all of them: access logs of connections that no chain takes, and tracing. What spans say of the
 * proxy differs between proxies of a class, so that only where requests are traced they have listeners of their own.
 * @param node undefined where no request is traced
 */
export function withTelemetry(
  scope: Scope,
  listeners: readonly BuiltListener[],
  node: TraceNode | undefined,
): readonly BuiltListener[] {
  const traced = node && new TracedFilters(scope, node);
  return listeners.map((each) => {
    const kind = kindOf(scope, each);
    const accessLog = listenerAccessLogs(scope, kind);
    const listener = accessLog.length > 0 ? { ...each, message: { ...each.message, accessLog } } : each;
    return traced ? traced.listener(listener, modeOf(kind)) : listener;
  });
}

function kindOf({ proxyClass }: Scope, { message }: BuiltListener): TrafficKind {
  if (proxyClass.type === "router") return "gateway";
  return message.trafficDirection === TrafficDirection.INBOUND ? "inbound" : "outbound";
}

class TracedFilters {
  readonly #tracing: Readonly<Record<WorkloadMode, ManagerTracing | undefined>>;
  /** Chains share their filters, and their filters' messages. */
  readonly #made = new Map<BuiltNetworkFilter, BuiltNetworkFilter>();

  constructor(scope: Scope, node: TraceNode) {
    this.#tracing = { CLIENT: managerTracing(scope, "CLIENT", node), SERVER: managerTracing(scope, "SERVER", node) };
  }

  listener(listener: BuiltListener, mode: WorkloadMode): BuiltListener {
    const tracing = this.#tracing[mode];
    if (!tracing) return listener;
    const { filterChains, defaultFilterChain: last } = listener;
    return {
      ...listener,
      filterChains: filterChains.map((each) => this.#chain(each, tracing)),
      ...(last ? { defaultFilterChain: this.#chain(last, tracing) } : {}),
    };
  }

  #chain(chain: BuiltFilterChain, tracing: ManagerTracing): BuiltFilterChain {
    return { ...chain, filters: chain.filters.map((each) => this.#filter(each, tracing)) };
  }

  #filter(filter: BuiltNetworkFilter, tracing: ManagerTracing): BuiltNetworkFilter {
    const { http } = filter;
    if (!http) return filter;
    let made = this.#made.get(filter);
    if (!made) {
      made = { ...filter, http: { ...http, manager: { ...http.manager, ...tracing } } };
      this.#made.set(filter, made);
    }
    return made;
  }
}
