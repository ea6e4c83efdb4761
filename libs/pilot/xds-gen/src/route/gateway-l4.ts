import { canonicalHost } from "@xebec/model-names";
import type { TlsRoute } from "@xebec/model-resources";
import { resolveGateway, type VirtualService } from "@xebec/pilot-snapshot";
import { type BoundServer, sharedHost } from "../listener/gateway/servers.ts";
import type { Scope } from "../scope/scope.ts";
import { type L4Target, routedTarget } from "./l4-route.ts";

/**
 * Where a Gateway's server sends connections: by the first `tcp` rule, of the oldest VirtualService that has one for it
 * (docs/reference/pilot.md §3.1). Of a match, only port and gateways count at a Gateway.
 */
export function gatewayTcpTarget(scope: Scope, bound: BoundServer): L4Target | undefined {
  for (const owner of attached(scope, bound))
    for (const { match, route } of owner.spec.tcp ?? [])
      if (!match?.length || match.some((each) => appliesAt(each, bound, owner)))
        return routedTarget(scope, owner, route, portOf(bound));
  return undefined;
}

/** Where a Gateway's server passes TLS on to, by server names: one target for each match of a `tls` rule. */
export function gatewayTlsTargets(scope: Scope, bound: BoundServer): L4Target[] {
  return attached(scope, bound).flatMap((owner) =>
    (owner.spec.tls ?? []).flatMap(({ match, route }) =>
      match.flatMap((each) => {
        const serverNames = appliesAt(each, bound, owner) ? namesOf(each.sniHosts, bound, owner) : [];
        return serverNames.length > 0 ? [{ ...routedTarget(scope, owner, route, portOf(bound)), serverNames }] : [];
      }),
    ),
  );
}

/** The VirtualServices that have a host of the server, the oldest first. */
function attached(scope: Scope, bound: BoundServer): readonly VirtualService[] {
  return scope.gatewayRoutes(bound.gateway).filter((owner) => namesOf(owner.hosts, bound, owner).length > 0);
}

/** What names and the server's hosts have in common. */
function namesOf(names: readonly string[], { gateway, server }: BoundServer, owner: VirtualService): string[] {
  const found = names.flatMap((name) =>
    server.hosts.flatMap((given) => sharedHost(given, gateway, owner, canonicalHost(name)) ?? []),
  );
  return [...new Set(found)];
}

type Match = Pick<TlsRoute["match"][number], "port" | "gateways">;

function appliesAt({ port, gateways }: Match, bound: BoundServer, owner: VirtualService): boolean {
  if (port !== undefined && port !== portOf(bound)) return false;
  const { namespace, name } = bound.gateway;
  const own = `${namespace}/${name}`;
  return !gateways?.length || gateways.some((each) => resolveGateway(each, owner.namespace) === own);
}

function portOf({ server }: BoundServer): number {
  return server.port.number ?? 0;
}
