import { protocolByName } from "@xebec/model-names";
import type { BuiltFilterChain } from "../../build/built.ts";
import type { Scope } from "../../scope/scope.ts";
import { ANY_TRANSPORT, ANYWHERE, filterChains } from "../chain.ts";
import type { BoundServer } from "./servers.ts";

/** The filter chains for the servers of a port. Plaintext HTTP servers share one chain and the route table of the port. */
export function serverChains(
  scope: Scope,
  listener: string,
  port: number,
  servers: readonly BoundServer[],
): BuiltFilterChain[] {
  return filterChains(scope, {
    matches: ANYWHERE,
    transports: ANY_TRANSPORT,
    connection: {
      protocol: "http",
      kind: "gateway",
      statPrefix: `outbound_${listener}`,
      routes: { rds: `http.${port}` },
      grpcWeb: servers.some(({ server }) => protocolByName(server.port.protocol) === "GRPC-Web"),
    },
    configKeys: gatewayKeys(servers),
  });
}

/** The keys of the servers' Gateways. */
export function gatewayKeys(servers: readonly BoundServer[]): string[] {
  return [...new Set(servers.map(({ gateway }) => gateway.key))];
}
