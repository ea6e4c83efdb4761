import { TrafficDirection } from "@xebec/api-envoy/envoy/config/core/v3/base";
import { isHttp } from "@xebec/model-names";
import type { BuiltFilterChain, BuiltListener } from "../../build/built.ts";
import { httpProxyOf } from "../../scope/http-proxy.ts";
import { resolutionFor } from "../../scope/resolution.ts";
import type { Scope } from "../../scope/scope.ts";
import type { Workload } from "../../scope/workload.ts";
import { inspectors } from "../listener-filters.ts";
import { socketAddress } from "../socket-address.ts";
import { boundListeners } from "./egress-listeners.ts";
import { httpProxyListener } from "./http-proxy-listener.ts";
import { tcpChains } from "./tcp-chains.ts";

/** Ports below belong to root. */
export const FIRST_UNPRIVILEGED_PORT = 1024;

/**
 * Outbound listeners without traffic capture (interception NONE): the explicit HTTP proxy, and a listener on the proxy's own
 * address for each TCP service whose port the workload does not serve itself.
 */
export function explicitListeners(scope: Scope, { binding, targets }: Workload): BuiltListener[] {
  if (binding.mode !== "explicit") return [];
  const { address } = binding;
  const listeners: BuiltListener[] = [];
  const taken = new Set(targets.map((target) => target.targetPort));
  const add = (port: number, chains: readonly BuiltFilterChain[], configKeys: readonly string[]): void => {
    taken.add(port);
    listeners.push({
      name: `${address}_${port}`,
      message: {
        address: socketAddress(address, port),
        enableReusePort: false,
        trafficDirection: TrafficDirection.OUTBOUND,
        listenerFilters: inspectors(chains),
      },
      filterChains: chains,
      configKeys,
    });
  };
  const proxy = httpProxyListener(scope, { binding });
  if (proxy) {
    listeners.push(proxy);
    taken.add(httpProxyOf(scope, binding)?.port ?? 0);
  }
  for (const egress of scope.egress()) {
    if (!egress.listener?.port) continue;
    for (const each of boundListeners(scope, egress, address)) {
      const port = egress.listener.port.number;
      if (port > 0 && taken.has(port)) continue;
      if (port > 0) taken.add(port);
      listeners.push(each);
    }
  }
  for (const service of scope.egressAt(0)?.services ?? [])
    for (const port of service.ports) {
      if (isHttp(port.protocol) || port.protocol === "UDP") continue;
      if (port.number < FIRST_UNPRIVILEGED_PORT || taken.has(port.number)) continue;
      if (["passthrough", "dynamic-dns"].includes(resolutionFor(scope.proxyClass, service))) continue;
      add(port.number, tcpChains(scope, service, port), service.configKeys);
    }
  return listeners;
}
