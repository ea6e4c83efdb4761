import type { Generator } from "@xebec/pilot-xds-gen";
import type { Connection } from "../connection/connection.ts";

/** What debug pages look at: the xDS server. */
export interface DebugSource {
  /** The streams that are open now. */
  readonly streams: Iterable<Connection>;
  /** Those of proxies. */
  readonly connections: Iterable<Connection>;
  readonly generator: Generator | undefined;
}
