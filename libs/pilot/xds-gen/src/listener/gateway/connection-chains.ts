import type { BuiltFilterChain } from "../../build/built.ts";
import type { TcpConnection } from "../../filter/connection.ts";
import { gatewayTcpTarget } from "../../route/gateway-l4.ts";
import { type L4Target, l4Settings } from "../../route/l4-route.ts";
import type { Scope } from "../../scope/scope.ts";
import { serverTls } from "../../security/server-tls.ts";
import { ANY_TRANSPORT, ANYWHERE, filterChains } from "../chain.ts";
import { type BoundServer, serverNames, sniHosts } from "./servers.ts";

/** The filter chain of a server of bytes: where a `tcp` rule of a VirtualService leads; none without such a rule. */
export function connectionChains(scope: Scope, servers: readonly BoundServer[]): BuiltFilterChain[] {
  return servers.flatMap((bound) => {
    const target = gatewayTcpTarget(scope, bound);
    if (!target) return [];
    return filterChains(scope, { matches: ANYWHERE, transports: ANY_TRANSPORT, ...chainTo(scope, bound, target) });
  });
}

/** The same for a server that terminates TLS. */
export function terminatedChains(scope: Scope, bound: BoundServer): BuiltFilterChain[] {
  const target = gatewayTcpTarget(scope, bound);
  if (!target) return [];
  const names = serverNames(sniHosts(bound.server));
  return filterChains(scope, {
    matches: [names ? { serverNames: [...names] } : {}],
    transports: [{ match: {}, socket: serverTls(scope, bound.server, "tcp") }],
    ...chainTo(scope, bound, target),
  });
}

/** What a chain does that leads to a target, and the objects behind it. */
export function chainTo(
  scope: Scope,
  { gateway, server }: Pick<BoundServer, "gateway" | "server">,
  target: L4Target,
): { readonly connection: TcpConnection; readonly configKeys: readonly string[] } {
  const { settings, configKeys } = l4Settings(scope, target);
  const clusters = target.destinations.map(({ cluster }) => cluster);
  return {
    connection: { protocol: "tcp", kind: "gateway", port: server.port.number, clusters, settings },
    configKeys: [gateway.key, ...target.configKeys, ...configKeys],
  };
}
