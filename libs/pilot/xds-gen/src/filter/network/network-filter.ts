import type { BuiltNetworkFilter } from "../../build/built.ts";
import type { Scope } from "../../scope/scope.ts";
import type { Connection } from "../connection.ts";

/** Where a filter stands among those of a chain, the first before all (docs/reference/pilot.md §4.6, network chain). */
export const NETWORK_FILTER_PHASES = [
  /** Notes what is told of every connection, also of one that is refused. */
  "telemetry",
  /** An external authorizer that a policy names. */
  "customAuthorization",
  /** May the caller connect? */
  "authorization",
  /** Reads a protocol on its way, and passes it on. */
  "protocol",
  /** Takes the connection: nothing comes behind it. */
  "terminal",
] as const;

export type NetworkFilterPhase = (typeof NETWORK_FILTER_PHASES)[number];

/** A network filter: all that pilot makes for it stands in one file. */
export interface NetworkFilter {
  readonly name: string;
  readonly phase: NetworkFilterPhase;
  /** Its entry in a filter chain; undefined where it is not in it. */
  chain(scope: Scope, connection: Connection): BuiltNetworkFilter | undefined;
}
