import type { MessageInitShape } from "@bufbuild/protobuf";
import type { TransportSocketSchema } from "@xebec/api-envoy/envoy/config/core/v3/base";
import type { FilterChainMatchSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener_components";
import type { BuiltFilterChain } from "../build/built.ts";
import type { Connection } from "../filter/connection.ts";
import { networkFilters } from "../filter/network/registry.ts";
import type { Scope } from "../scope/scope.ts";

type Match = MessageInitShape<typeof FilterChainMatchSchema>;

/** Where connections go to, by which chains are told apart; without a field it is every connection. */
export type DestinationMatch = Pick<Match, "destinationPort" | "prefixRanges" | "serverNames">;

/** How the bytes of connections are protected, and what chains are told apart by for it. */
export interface Transport {
  readonly match: Pick<Match, "transportProtocol" | "applicationProtocols">;
  /** What ends TLS; absent for plaintext, and for TLS that goes through untouched. */
  readonly socket?: MessageInitShape<typeof TransportSocketSchema>;
}

/** Connections that go through the same filters. */
export interface ChainSpec {
  readonly name?: string;
  /** A chain for each of these destinations, and for each of these transports; the first that matches best takes a connection. */
  readonly matches: readonly DestinationMatch[];
  readonly transports: readonly Transport[];
  /** What the filters do with them. */
  readonly connection: Connection;
  /** Keys of the objects that ask for the chains. */
  readonly configKeys: readonly string[];
}

/** Every connection, wherever it goes to. */
export const ANYWHERE: readonly DestinationMatch[] = [{}];

/** Whatever clients speak. */
export const ANY_TRANSPORT: readonly Transport[] = [{ match: {} }];

export const PLAINTEXT: Transport = { match: { transportProtocol: "raw_buffer" } };

/** TLS that the proxy does not end. */
export const TLS_PASSTHROUGH: Transport = { match: { transportProtocol: "tls" } };

/**
 * The filter chains of a listener, inbound, outbound and of gateways: destinations × transports, each with the filters for what it
 * does.
 */
export function filterChains(scope: Scope, spec: ChainSpec): BuiltFilterChain[] {
  const { name = "", matches, transports, connection, configKeys } = spec;
  if (matches.length === 0) return [];
  const filters = networkFilters(scope, connection);
  return matches.flatMap((destination) =>
    transports.map(({ match, socket }) => {
      const filterChainMatch = { ...destination, ...match };
      const message = {
        ...(Object.keys(filterChainMatch).length > 0 ? { filterChainMatch } : {}),
        ...(socket ? { transportSocket: socket } : {}),
      };
      return { name, filters, configKeys, message };
    }),
  );
}

/** True for a chain that takes what no other takes. */
export function takesRest({ message }: BuiltFilterChain): boolean {
  return !message.filterChainMatch;
}
