import { anyOf, durationOf } from "@xebec/api-envoy";
import { Cluster_DnsLookupFamily, Cluster_LbPolicy } from "@xebec/api-envoy/envoy/config/cluster/v3/cluster";
import { ClusterConfigSchema } from "@xebec/api-envoy/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster";
import type { ClusterInit } from "../build/built.ts";
import type { Scope } from "../scope/scope.ts";

/** The most hosts whose addresses a proxy remembers. */
const MOST_HOSTS = 1024;

/** What is looked up for hosts that a proxy learns of by calls: one cache for all filters and clusters, which must have it alike. */
export function dnsCache({ mesh }: Pick<Scope, "mesh">) {
  return {
    name: "dynamic-dns",
    dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED,
    dnsRefreshRate: durationOf(mesh.dnsRefreshMs),
    maxHosts: MOST_HOSTS,
  };
}

/** How a cluster finds its hosts by the names that are called (resolution DYNAMIC_DNS, docs/reference/pilot.md §1.1). */
export function dynamicDiscovery(scope: Scope): ClusterInit {
  return {
    lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
    clusterDiscoveryType: {
      case: "clusterType",
      value: {
        name: "envoy.clusters.dynamic_forward_proxy",
        typedConfig: anyOf(ClusterConfigSchema, {
          clusterImplementationSpecifier: { case: "dnsCacheConfig", value: dnsCache(scope) },
          // Whose name a server's certificate must have is a DestinationRule's matter.
          allowInsecureClusterOptions: true,
        }),
      },
    },
  };
}
