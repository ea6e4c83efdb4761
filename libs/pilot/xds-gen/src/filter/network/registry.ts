import type { BuiltNetworkFilter } from "../../build/built.ts";
import type { Scope } from "../../scope/scope.ts";
import type { Connection } from "../connection.ts";
import { httpConnectionManager } from "./http-connection-manager.ts";
import type { NetworkFilter } from "./network-filter.ts";
import { tcpProxy } from "./tcp-proxy.ts";

/**
 * All network filters, in the order in which connections go through them: that of their phases, and within a phase of this list.
 * One more filter is one more file and one more line.
 */
export const NETWORK_FILTERS: readonly NetworkFilter[] = [httpConnectionManager, tcpProxy];

/** The filters of a chain. */
export function networkFilters(scope: Scope, connection: Connection): BuiltNetworkFilter[] {
  return NETWORK_FILTERS.flatMap((each) => each.chain(scope, connection) ?? []);
}
