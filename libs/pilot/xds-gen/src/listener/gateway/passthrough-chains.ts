import type { BuiltFilterChain } from "../../build/built.ts";
import { sniDnatClusters } from "../../cluster/sni-dnat-clusters.ts";
import { gatewayTlsTargets } from "../../route/gateway-l4.ts";
import type { Scope } from "../../scope/scope.ts";
import { ANY_TRANSPORT, filterChains } from "../chain.ts";
import { MESH_ALPN } from "../inbound/mtls-transports.ts";
import { chainTo } from "./connection-chains.ts";
import { type BoundServer, serverNames, sniHosts } from "./servers.ts";

/**
 * The filter chains of a server that passes TLS on: by the `tls` rules of VirtualServices, which choose by the name that the client asks for.
 * @param taken names that chains of the port match already; gets those of these
 */
export function passthroughChains(scope: Scope, bound: BoundServer, taken: Set<string>): BuiltFilterChain[] {
  return gatewayTlsTargets(scope, bound).flatMap((target) => {
    const free = (target.serverNames ?? []).filter((name) => !taken.has(name));
    for (const name of free) taken.add(name);
    if (free.length === 0) return [];
    const names = serverNames(free);
    return filterChains(scope, {
      matches: [names ? { serverNames: [...names] } : {}],
      transports: ANY_TRANSPORT,
      ...chainTo(scope, bound, target),
    });
  });
}

/**
 * The filter chains of a server of mode AUTO_PASSTHROUGH: one for each port and subset of the mesh's services, which clients of the mesh
 * name in their handshake. Only what announces the mesh's mutual TLS is passed on (docs/reference/pilot.md §3.3).
 */
export function autoPassthroughChains(scope: Scope, bound: BoundServer, taken: Set<string>): BuiltFilterChain[] {
  return sniDnatClusters(scope, sniHosts(bound.server)).flatMap(({ name, configKeys }) => {
    if (taken.has(name)) return [];
    taken.add(name);
    return filterChains(scope, {
      matches: [{ serverNames: [name] }],
      transports: [{ match: { applicationProtocols: [...MESH_ALPN] } }],
      connection: { protocol: "tcp", kind: "gateway", port: bound.server.port.number, clusters: [{ name, weight: 1 }] },
      configKeys: [bound.gateway.key, ...configKeys],
    });
  });
}
