import type { Generator } from "@xebec/pilot-xds-gen";
import type { Connection } from "../connection/connection.ts";
import type { DumpedSection } from "./config-dump.ts";
import type { SyncStatus } from "./sync-status.ts";

/** What debug pages look at: the xDS server. */
export interface DebugSource {
  /** The streams that are open now. */
  readonly streams: Iterable<Connection>;
  /** Those of proxies. */
  readonly connections: Iterable<Connection>;
  readonly generator: Generator | undefined;
  /** The proxies of other copies of pilot; absent where there is none. */
  readonly others?: OtherProxies | undefined;
}

/** The configuration of a proxy that is connected to another copy of pilot. */
export interface OtherDump {
  readonly namespace: string;
  readonly configs: readonly DumpedSection[];
}

/** The proxies of other copies of pilot, and this copy's answers to them. */
export interface OtherProxies {
  /** What each was sent and has accepted. None while the bus is away. */
  statuses(): Promise<readonly SyncStatus[]>;
  /** @param id `POD.NAMESPACE`, or a whole node id @returns undefined for a proxy that no copy knows @throws XebecError resource_exhausted */
  dump(id: string): Promise<OtherDump | undefined>;
}
