import type { MessageInitShape } from "@bufbuild/protobuf";
import type { TransportSocketSchema } from "@xebec/api-envoy/envoy/config/core/v3/base";
import type { FilterChainMatchSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener_components";
import type { BuiltFilterChain } from "../build/built.ts";
import type { Connection } from "../filter/connection.ts";
import { networkFilters } from "../filter/network/registry.ts";
import type { Scope } from "../scope/scope.ts";

type Match = MessageInitShape<typeof FilterChainMatchSchema>;

/** Matches connections by their destination. An empty match accepts every connection. */
export type DestinationMatch = Pick<Match, "destinationPort" | "prefixRanges" | "serverNames">;

/** Matches connections by their transport protocol, and says how it is terminated. */
export interface Transport {
  readonly match: Pick<Match, "transportProtocol" | "applicationProtocols">;
  /** Terminates TLS; absent for plaintext and for TLS passthrough. */
  readonly socket?: MessageInitShape<typeof TransportSocketSchema>;
}

/** Filter chains with the same filters. */
export interface ChainSpec {
  readonly name?: string;
  /** There is one chain for each combination of a destination and a transport. */
  readonly matches: readonly DestinationMatch[];
  readonly transports: readonly Transport[];
  /** What the filters do with the connections. */
  readonly connection: Connection;
  /** Keys of the objects behind the chains. */
  readonly configKeys: readonly string[];
}

/** Every destination. */
export const ANYWHERE: readonly DestinationMatch[] = [{}];

/** Every transport protocol. */
export const ANY_TRANSPORT: readonly Transport[] = [{ match: {} }];

export const PLAINTEXT: Transport = { match: { transportProtocol: "raw_buffer" } };

/** TLS that the proxy does not terminate. */
export const TLS_PASSTHROUGH: Transport = { match: { transportProtocol: "tls" } };

/**
 * Builds filter chains, for inbound, outbound and gateway listeners: destinations × transports, with the filters that the connection
 * needs.
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

/** True when the chain accepts every connection that no other chain matches. */
export function takesRest({ message }: BuiltFilterChain): boolean {
  return !message.filterChainMatch;
}
