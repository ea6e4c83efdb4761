import { type ConfigDump, type Json, list, object, string } from "./dump.ts";
import { addressOf, byCluster } from "./names.ts";
import { type Shown, sorted } from "./table.ts";

/** Which endpoints to show; every part that is given must fit. */
export interface EndpointFilter {
  readonly address?: string;
  readonly port?: number;
  /** The whole name of the cluster. */
  readonly cluster?: string;
  /** `healthy`, `unhealthy` and so on. */
  readonly status?: string;
}

interface Endpoint {
  readonly host: string;
  readonly port: string;
  readonly status: string;
  readonly cluster: string;
  /** The endpoint's message. */
  readonly resource: Json;
}

/**
 * `istioctl proxy-config endpoints`: what Envoy balances to, with what outlier detection says.
 * @param clusters Envoy's `/clusters?format=json`, decoded
 */
export function showEndpoints(clusters: Json, filter: EndpointFilter = {}): Shown {
  const all = list(clusters.cluster_statuses).flatMap((cluster) =>
    list(cluster.host_statuses).map((resource) => {
      const health = object(resource.health_status) ?? {};
      return {
        ...addressOf(resource.address),
        status: string(health.eds_health_status) || "UNKNOWN",
        outlier: health.failed_outlier_check === true ? "FAILED" : "OK",
        cluster: string(cluster.name),
        resource,
      };
    }),
  );
  const chosen = select(all, filter);
  return {
    header: ["ENDPOINT", "STATUS", "OUTLIER CHECK", "CLUSTER"],
    rows: chosen.map((each) => [endpointOf(each), each.status, each.outlier, each.cluster]),
    type: "envoy.admin.v3.ClusterStatus",
    // As istioctl: whole clusters that have one of these endpoints.
    resources: list(clusters.cluster_statuses).filter((each) => {
      const hosts = new Set(list(each.host_statuses));
      return chosen.some(({ resource }) => hosts.has(resource));
    }),
  };
}

/** `istioctl proxy-config eds`: endpoints as they were sent, with their localities. */
export function showEds({ endpoints }: ConfigDump, filter: EndpointFilter = {}): Shown {
  const all = endpoints.flatMap((assignment) =>
    list(assignment.endpoints).flatMap((group) =>
      list(group.lb_endpoints).map((resource) => ({
        ...addressOf(object(resource.endpoint)?.address),
        status: string(resource.health_status) || "UNKNOWN",
        locality: ["region", "zone", "sub_zone"]
          .map((field) => string(object(group.locality)?.[field]))
          .filter(Boolean)
          .join("/"),
        cluster: string(assignment.cluster_name),
        resource,
      })),
    ),
  );
  const ofCluster = byCluster(select(all, filter), ({ cluster }) => cluster);
  const chosen = new Set(ofCluster.map(({ resource }) => resource));
  return {
    header: ["NAME", "STATUS", "LOCALITY", "CLUSTER"],
    rows: ofCluster.map((each) => [endpointOf(each), each.status, each.locality, each.cluster]),
    type: "envoy.config.endpoint.v3.ClusterLoadAssignment",
    resources: byCluster(endpoints, (each) => string(each.cluster_name))
      .map((each) => withOnly(each, chosen))
      .filter(hasAny),
  };
}

/** An assignment with the chosen endpoints alone. */
function withOnly(assignment: Json, chosen: ReadonlySet<Json>): Json {
  const groups = list(assignment.endpoints).map((group) => ({
    ...group,
    lb_endpoints: list(group.lb_endpoints).filter((each) => chosen.has(each)),
  }));
  return { ...assignment, endpoints: groups };
}

function hasAny({ endpoints }: Json): boolean {
  return list(endpoints).some((group) => list(group.lb_endpoints).length > 0);
}

function endpointOf({ host, port }: Endpoint): string {
  return port === "0" ? host : `${host}:${port}`;
}

function select<E extends Endpoint>(all: readonly E[], filter: EndpointFilter): E[] {
  const chosen = all.filter(({ host, port, cluster, status }) => {
    if (filter.address !== undefined && host.toLowerCase() !== filter.address.toLowerCase()) return false;
    if (filter.port !== undefined && port !== String(filter.port)) return false;
    if (filter.cluster !== undefined && cluster !== filter.cluster) return false;
    return filter.status === undefined || status.toLowerCase() === filter.status.toLowerCase();
  });
  return sorted(
    chosen,
    ({ host }) => host,
    ({ port }) => Number(port),
    ({ cluster }) => cluster,
  );
}
