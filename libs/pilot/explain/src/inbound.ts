import { string } from "@xebec/pilot-proxy-config";
import { type Connection, filterChainFor } from "./filter-chain.ts";
import { describe, normalized, policyOf, rbacFilters, runtimeFilters, throughPlugins } from "./http-filters.ts";
import { managerOf } from "./listeners.ts";
import { type Caller, evaluateRbac } from "./rbac.ts";
import type { RequestToExplain } from "./request.ts";
import { routeThrough } from "./routing.ts";
import type { Note, ProxyView } from "./way.ts";

/** Listener, filter chain, policies and route of the server's proxy. */
export function followInbound(
  client: ProxyView,
  server: ProxyView,
  target: { readonly address: string; readonly port: number; readonly tls: boolean },
  request: RequestToExplain,
  note: Note,
): { readonly status: number | undefined; readonly reason: string } {
  const connection: Connection = {
    ...{ address: target.address, port: target.port, tls: target.tls, serverName: "" },
    applicationProtocols: target.tls ? ["istio-h2", "istio", "h2"] : ["http/1.1"],
  };
  const listener =
    server.dump.listeners.find((each) => each.name === `${target.address}_${target.port}`) ??
    server.dump.listeners.find((each) => each.name === "virtualInbound");
  if (!listener) return { status: 503, reason: `nothing listens at ${target.address}:${target.port} (UF)` };
  note("listener", string(listener.name));
  const chain = filterChainFor(listener, connection);
  if (!chain)
    return {
      status: 503,
      reason: `no filter chain of ${server.name} takes ${target.tls ? "TLS" : "plaintext"} for port ${target.port}`,
    };
  note("filter chain", string(chain.name) || (target.tls ? "mutual TLS" : "plaintext"));
  const manager = managerOf(chain);
  if (!manager) return { status: undefined, reason: `${server.name} passes the bytes on` };
  const caller: Caller = {
    identity: target.tls ? client.identity : "",
    ...{ address: client.address, originalAddress: client.address },
    ...{ destinationAddress: target.address, destinationPort: target.port, serverName: "" },
  };
  const seen = normalized(manager, request, server.name);
  if ("status" in seen) return seen;
  for (const { name, rules, shadow } of rbacFilters(server.dump, manager)) {
    const verdict = evaluateRbac(rules, seen.request, caller);
    note("policy", name, describe(verdict, rules, shadow));
    if (!verdict.allowed && !shadow)
      return {
        status: 403,
        reason: verdict.policy ? `${policyOf(verdict.policy)} denies the request` : "no policy allows the request",
      };
  }
  const ended = throughPlugins(server.dump, manager, note);
  if (ended) return ended;
  for (const { name, type } of runtimeFilters(server.dump, manager))
    note("filter", name, `${type} may refuse it; not evaluated`);
  const routed = routeThrough(server.dump, manager, seen.request, note, "server");
  return "status" in routed
    ? { status: routed.status, reason: routed.reason }
    : { status: undefined, reason: `${server.name} passes the request to its application` };
}
