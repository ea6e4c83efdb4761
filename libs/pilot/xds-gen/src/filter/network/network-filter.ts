import type { BuiltNetworkFilter } from "../../build/built.ts";
import type { Scope } from "../../scope/scope.ts";
import type { Connection } from "../connection.ts";

/** The order of filters in a chain (docs/reference/pilot.md §4.6, network chain). */
export const NETWORK_FILTER_PHASES = [
  /** Collects what is reported about every connection, including rejected ones. */
  "telemetry",
  /** External authorizers that policies name. */
  "customAuthorization",
  /** Plugins of the user before authorization. */
  "wasmAuthorization",
  /** Authorizes the connection. */
  "authorization",
  /** Mixer's check. */
  "policy",
  /** All other plugins of the user. */
  "wasm",
  /** Inspects a protocol and passes it on. */
  "protocol",
  /** Forwards the connection. It is the last filter. */
  "terminal",
] as const;

export type NetworkFilterPhase = (typeof NETWORK_FILTER_PHASES)[number];

/** A network filter: everything that pilot generates for it is in one file. */
export interface NetworkFilter {
  readonly name: string;
  readonly phase: NetworkFilterPhase;
  /** Its entry, or entries, in a filter chain; undefined when it is not part of it. */
  chain(scope: Scope, connection: Connection): BuiltNetworkFilter | readonly BuiltNetworkFilter[] | undefined;
}
