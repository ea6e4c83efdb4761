import type { Scope } from "../../scope/scope.ts";
import { sniHosts } from "./servers.ts";

/** The hosts of all servers of mode AUTO_PASSTHROUGH that a class of routers serves; empty for everybody else. */
export function autoPassthroughHosts(scope: Scope): readonly string[] {
  const servers = scope.gateways().flatMap(({ spec }) => spec.servers);
  return servers.filter(({ tls }) => tls?.mode === "AUTO_PASSTHROUGH").flatMap(sniHosts);
}
