import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import type { ConnectionPool } from "./connection-pool.ts";

const MAX_STREAMS = 2_147_483_647;

/** Rules of a connection pool, of a DestinationRule or a Sidecar (docs/reference/pilot.md §3.2). */
export function checkConnectionPool(pool: ConnectionPool | undefined, path: Path, check: Checker): void {
  if (!pool) return;
  const { tcp, http } = pool;
  if (!tcp && !http) check.fail(path, "one of tcp and http is needed");
  check.duration(tcp?.connectTimeout, [...path, "tcp", "connectTimeout"]);
  check.duration(tcp?.idleTimeout, [...path, "tcp", "idleTimeout"], { zero: true });
  check.duration(tcp?.maxConnectionDuration, [...path, "tcp", "maxConnectionDuration"]);
  check.duration(tcp?.tcpKeepalive?.time, [...path, "tcp", "tcpKeepalive", "time"]);
  check.duration(tcp?.tcpKeepalive?.interval, [...path, "tcp", "tcpKeepalive", "interval"]);
  check.duration(http?.idleTimeout, [...path, "http", "idleTimeout"]);
  if (http?.useClientProtocol && http.h2UpgradePolicy === "UPGRADE")
    check.fail([...path, "http", "useClientProtocol"], "cannot be together with h2UpgradePolicy UPGRADE");
  const streams = http?.maxConcurrentStreams;
  if (streams !== undefined && (streams < 1 || streams > MAX_STREAMS))
    check.fail([...path, "http", "maxConcurrentStreams"], `must be from 1 to ${MAX_STREAMS}, not ${streams}`);
}
