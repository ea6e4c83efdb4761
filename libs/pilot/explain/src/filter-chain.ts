import { type Json, list, object, string, strings } from "@xebec/pilot-proxy-config";
import { inRange } from "./matchers.ts";

/** What a listener knows of a connection when it chooses a filter chain. */
export interface Connection {
  /** Where the client wanted to go. */
  readonly address: string;
  readonly port: number;
  readonly tls: boolean;
  /** Empty when there is none. */
  readonly serverName: string;
  /** What the client offers, or what the first bytes look like. */
  readonly applicationProtocols: readonly string[];
}

type Match = Json;

/**
 * How well each criterion fits, in Envoy's order (envoy.config.listener.v3.FilterChainMatch): 0 when the chain says nothing of it, more the more
 * exactly it fits, undefined when it does not fit.
 */
const CRITERIA: readonly ((match: Match, connection: Connection) => number | undefined)[] = [
  ({ destination_port }, { port }) =>
    destination_port === undefined ? 0 : Number(destination_port) === port ? 1 : undefined,
  ({ prefix_ranges }, { address }) => {
    const ranges = list(prefix_ranges);
    if (ranges.length === 0) return 0;
    const lengths = ranges.filter((each) => inRange(each, address)).map((each) => Number(each.prefix_len ?? 0));
    return lengths.length > 0 ? 1 + Math.max(...lengths) : undefined;
  },
  ({ server_names }, { serverName }) => {
    const names = strings(server_names);
    if (names.length === 0) return 0;
    const fits = names.filter((name) =>
      name.startsWith("*")
        ? serverName.endsWith(name.slice(1)) && serverName.length > name.length - 1
        : name === serverName,
    );
    // An exact name before every wildcard.
    return fits.length > 0
      ? Math.max(...fits.map((name) => name.length + (name.startsWith("*") ? 0 : 1e3)))
      : undefined;
  },
  ({ transport_protocol }, { tls }) => {
    if (!transport_protocol) return 0;
    return string(transport_protocol) === (tls ? "tls" : "raw_buffer") ? 1 : undefined;
  },
  ({ application_protocols }, { applicationProtocols }) => {
    const own = strings(application_protocols);
    if (own.length === 0) return 0;
    const at = applicationProtocols.findIndex((each) => own.includes(each));
    return at === -1 ? undefined : 100 - at;
  },
];

/** The filter chain that takes a connection; undefined when the listener closes it. Envoy decides by one criterion after the other and never goes back. */
export function filterChainFor(listener: Json, connection: Connection): Json | undefined {
  let left = list(listener.filter_chains);
  for (const criterion of CRITERIA) {
    const rated = left.flatMap((chain) => {
      const rate = criterion(object(chain.filter_chain_match) ?? {}, connection);
      return rate === undefined ? [] : [{ chain, rate }];
    });
    const best = Math.max(...rated.map(({ rate }) => rate));
    left = rated.filter(({ rate }) => rate === best).map(({ chain }) => chain);
    if (left.length === 0) break;
  }
  return left[0] ?? object(listener.default_filter_chain);
}
