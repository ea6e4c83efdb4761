import type { BuiltRoute, BuiltVirtualHost } from "../build/built.ts";
import type { Scope } from "../scope/scope.ts";
import { routeMatch } from "./route-match.ts";
import { NO_TIMEOUT } from "./route-timeout.ts";
import { VIRTUAL_HOST } from "./virtual-host.ts";

/** What becomes of a host that nobody knows: on to wherever it leads, or refused (docs/reference/pilot.md §4.3). */
export function fallbackVirtualHost(scope: Scope): BuiltVirtualHost {
  const name = scope.mesh.allowAnyOutbound ? "allow_any" : "block_all";
  const action = scope.mesh.allowAnyOutbound ? passThrough(scope) : REFUSED;
  const route = { message: { name, match: routeMatch(undefined), action }, configKeys: [] };
  return { name, domains: ["*"], routes: [route], message: VIRTUAL_HOST, configKeys: [] };
}

type Action = BuiltRoute["message"]["action"];

const REFUSED: Action = { case: "directResponse", value: { status: 502 } };

function passThrough({ proxyClass }: Scope): Action {
  const cluster = proxyClass.interception === "NONE" ? "BlackHoleCluster" : "PassthroughCluster";
  return { case: "route", value: { clusterSpecifier: { case: "cluster", value: cluster }, ...NO_TIMEOUT } };
}
