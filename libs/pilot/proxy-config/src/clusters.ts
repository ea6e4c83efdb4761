import { type ConfigDump, type Json, string } from "./dump.ts";
import { byCluster, parseClusterName, sourceObject } from "./names.ts";
import type { Shown } from "./table.ts";

/** Which clusters to show; every part that is given must fit. */
export interface ClusterFilter {
  /** Part of the host. */
  readonly fqdn?: string;
  readonly port?: number;
  /** Part of the subset. */
  readonly subset?: string;
  /** `inbound` or `outbound`. */
  readonly direction?: string;
}

/** `istioctl proxy-config clusters` (docs/reference/pilot.md §8.2). */
export function showClusters({ clusters }: ConfigDump, filter: ClusterFilter = {}): Shown {
  const chosen = byCluster(
    clusters
      .map((cluster) => ({ cluster, name: string(cluster.name), parts: parseClusterName(string(cluster.name)) }))
      .filter(({ name, parts }) => {
        if (filter.fqdn !== undefined && !(parts?.host ?? name).includes(filter.fqdn)) return false;
        if (filter.port !== undefined && parts?.port !== filter.port) return false;
        if (filter.subset !== undefined && !parts?.subset.includes(filter.subset)) return false;
        return filter.direction === undefined || parts?.direction === filter.direction;
      }),
    ({ name }) => name,
  );
  return {
    header: ["SERVICE FQDN", "PORT", "SUBSET", "DIRECTION", "TYPE", "DESTINATION RULE"],
    rows: chosen.map(({ cluster, name, parts }) =>
      parts
        ? [
            parts.host,
            string(parts.port) || "-",
            parts.subset || "-",
            parts.direction,
            typeOfCluster(cluster),
            sourceObject(cluster),
          ]
        : [name, "-", "-", "-", typeOfCluster(cluster), sourceObject(cluster)],
    ),
    type: "envoy.config.cluster.v3.Cluster",
    resources: chosen.map(({ cluster }) => cluster),
  };
}

/** Envoy leaves out the default, STATIC. */
function typeOfCluster(cluster: Json): string {
  const custom = cluster.cluster_type as Json | undefined;
  return string(custom?.name) || string(cluster.type) || "STATIC";
}
