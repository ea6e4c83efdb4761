import type { BuiltRoute, BuiltVirtualHost } from "../build/built.ts";
import type { Scope } from "../scope/scope.ts";
import { routeMatch } from "./route-match.ts";
import { NO_TIMEOUT } from "./route-timeout.ts";
import { virtualHostMessage } from "./virtual-host.ts";

/**
 * What becomes of a host that nobody knows: on to wherever it leads, or refused (docs/reference/pilot.md §4.3).
 * @param bound true where clients call the proxy itself, so that nobody knows where they wanted to go
 */
export function fallbackVirtualHost(scope: Scope, bound = false): BuiltVirtualHost {
  const { allowAny } = scope.outboundPolicy;
  const name = allowAny ? "allow_any" : "block_all";
  const action = allowAny ? passThrough(scope, bound) : REFUSED;
  const route = { message: { name, match: routeMatch(undefined), action }, configKeys: [] };
  return { name, domains: ["*"], routes: [route], message: virtualHostMessage(scope), configKeys: [] };
}

type Action = BuiltRoute["message"]["action"];

const REFUSED: Action = { case: "directResponse", value: { status: 502 } };

function passThrough({ proxyClass, outboundPolicy: { proxy } }: Scope, bound: boolean): Action {
  const open = bound || proxyClass.interception === "NONE" ? "BlackHoleCluster" : "PassthroughCluster";
  return {
    case: "route",
    value: { clusterSpecifier: { case: "cluster", value: proxy?.cluster ?? open }, ...NO_TIMEOUT },
  };
}
