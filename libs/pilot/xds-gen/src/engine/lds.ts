import type { BuiltListener } from "../build/built.ts";
import type { EncodedResource } from "../encode/encoded.ts";
import { encodeListeners } from "../encode/listener.ts";
import { gatewayListeners } from "../listener/gateway/gateway-listeners.ts";
import { inboundListeners } from "../listener/inbound/inbound-listeners.ts";
import { explicitListeners } from "../listener/outbound/explicit-listeners.ts";
import { httpProxyListener } from "../listener/outbound/http-proxy-listener.ts";
import { outboundListeners } from "../listener/outbound/outbound-listeners.ts";
import { withTelemetry } from "../listener/with-telemetry.ts";
import { addition } from "../patch/addition.ts";
import { keyed } from "../scope/keyed.ts";
import type { Scope } from "../scope/scope.ts";
import type { TraceNode } from "../scope/trace-node.ts";
import type { Workload } from "../scope/workload.ts";
import { type ResourceSet, resourceSet } from "./resource-set.ts";
import type { ResourceRequest } from "./resource-type.ts";

const NONE: readonly EncodedResource[] = [];

/** The listeners of a proxy: those shared by its class, and those of its own workload. */
export function listeners(scope: Scope, { workload }: ResourceRequest): ResourceSet {
  return scope.cachedFor("set/lds", workload, (inner, own) => resourceSet(listenerLists(inner, own).flat()));
}

export function listenerLists(scope: Scope, workload: Workload): readonly (readonly EncodedResource[])[] {
  const isCaptured = workload.binding.mode === "captured";
  return [
    isCaptured ? outbound(scope, workload) : NONE,
    scope.cached("lds/added", addedListeners),
    scope.cachedFor("lds/own", workload, (inner, own) =>
      encodeListeners(inner, withTelemetry(inner, ownListeners(inner, own), own.trace)),
    ),
  ];
}

/** Those of the class; where requests are traced, those of what spans say of the proxy. */
function outbound(scope: Scope, { trace }: Workload): readonly EncodedResource[] {
  const make = (inner: Scope, node: TraceNode | undefined) =>
    encodeListeners(inner, withTelemetry(inner, outboundListeners(inner), node));
  return trace
    ? scope.cachedFor("lds/outbound", keyed({ ...trace }), make)
    : scope.cached("lds/outbound", (inner) => make(inner, undefined));
}

function addedListeners(scope: Scope): readonly EncodedResource[] {
  const added = scope
    .additions("listener")
    .flatMap((each) => addition(scope, each, () => each.listener?.(scope)) ?? []);
  return encodeListeners(scope, added);
}

function ownListeners(scope: Scope, workload: Workload): readonly BuiltListener[] {
  switch (workload.binding.mode) {
    case "gateway":
      return gatewayListeners(scope, workload);
    case "explicit":
      return [...explicitListeners(scope, workload), ...inboundListeners(scope, workload)];
    case "captured": {
      const proxy = httpProxyListener(scope, workload);
      return [...(proxy ? [proxy] : []), ...inboundListeners(scope, workload)];
    }
  }
}
