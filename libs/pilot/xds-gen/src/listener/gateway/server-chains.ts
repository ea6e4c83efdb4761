import { durationOf } from "@xebec/api-envoy";
import { protocolByName } from "@xebec/model-names";
import type { BuiltFilterChain } from "../../build/built.ts";
import type { Scope } from "../../scope/scope.ts";
import { serverTls } from "../../security/server-tls.ts";
import { ANY_TRANSPORT, ANYWHERE, filterChains } from "../chain.ts";
import { terminatedChains } from "./connection-chains.ts";
import { autoPassthroughChains, passthroughChains } from "./passthrough-chains.ts";
import { type BoundServer, passesThrough, serverNames, sniHosts } from "./servers.ts";

/** How long a client may take for its handshake. In milliseconds. */
const HANDSHAKE_MS = 15_000;

/** The filter chain of plaintext HTTP: all servers of a port share it and one route table. */
export function httpChains(scope: Scope, listener: string, servers: readonly BoundServer[]): BuiltFilterChain[] {
  const [first] = servers;
  return filterChains(scope, {
    matches: ANYWHERE,
    transports: ANY_TRANSPORT,
    connection: {
      protocol: "http",
      kind: "gateway",
      ...(first ? { port: first.server.port.number } : {}),
      statPrefix: `outbound_${listener}`,
      routes: { rds: first?.routes ?? "" },
      grpcWeb: servers.some(({ server }) => protocolByName(server.port.protocol) === "GRPC-Web"),
    },
    configKeys: gatewayKeys(servers),
  });
}

/** The filter chains of the servers with TLS on a port; a client's SNI chooses between them. */
export function tlsServerChains(scope: Scope, listener: string, servers: readonly BoundServer[]): BuiltFilterChain[] {
  const taken = new Set<string>();
  return servers.flatMap((bound) => {
    const { mode } = bound.server.tls ?? {};
    if (mode === "AUTO_PASSTHROUGH") return autoPassthroughChains(scope, bound, taken);
    if (passesThrough(bound.server.tls)) return passthroughChains(scope, bound, taken);
    return withHandshakeLimit(
      bound.routes === undefined
        ? terminatedChains(scope, bound)
        : [...httpsChains(scope, listener, bound, bound.routes)],
    );
  });
}

function httpsChains(scope: Scope, listener: string, bound: BoundServer, rds: string): BuiltFilterChain[] {
  const names = serverNames(sniHosts(bound.server));
  return filterChains(scope, {
    matches: [names ? { serverNames: [...names] } : {}],
    transports: [{ match: {}, socket: serverTls(scope, bound.server, "http") }],
    connection: {
      protocol: "http",
      kind: "gateway",
      port: bound.server.port.number,
      statPrefix: `outbound_${listener}`,
      routes: { rds },
    },
    configKeys: gatewayKeys([bound]),
  });
}

function withHandshakeLimit(chains: readonly BuiltFilterChain[]): BuiltFilterChain[] {
  return chains.map((each) => ({
    ...each,
    message: { ...each.message, transportSocketConnectTimeout: durationOf(HANDSHAKE_MS) },
  }));
}

/** The keys of the servers' Gateways. */
export function gatewayKeys(servers: readonly Pick<BoundServer, "gateway">[]): string[] {
  return [...new Set(servers.map(({ gateway }) => gateway.key))];
}
