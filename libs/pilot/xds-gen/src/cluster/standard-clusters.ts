import { durationOf } from "@xebec/api-envoy";
import { Cluster_DiscoveryType, Cluster_LbPolicy } from "@xebec/api-envoy/envoy/config/cluster/v3/cluster";
import type { BuiltCluster } from "../build/built.ts";
import type { Scope } from "../scope/scope.ts";
import { httpOptions, inboundPassthroughBind, oneEndpoint } from "./cluster-parts.ts";
import { headerCase } from "./header-case.ts";
import { applyPolicy } from "./traffic-policy.ts";

const NO_OBJECTS: readonly string[] = [];

/** The clusters that every proxy has: nowhere, and for sidecars whatever the client dialled. */
export function standardClusters(scope: Scope): BuiltCluster[] {
  const blackHole: BuiltCluster = {
    name: "BlackHoleCluster",
    message: {
      clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
      connectTimeout: durationOf(scope.mesh.connectTimeoutMs),
    },
    configKeys: NO_OBJECTS,
  };
  const { type, interception } = scope.proxyClass;
  if (type === "router") return [blackHole];
  const clusters = [blackHole, originalDestination(scope, "PassthroughCluster")];
  if (interception === "NONE") return clusters;
  return [...clusters, originalDestination(scope, "InboundPassthroughCluster", inboundPassthroughBind())];
}

function originalDestination(scope: Scope, name: string, more: BuiltCluster["message"] = {}): BuiltCluster {
  return {
    name,
    message: {
      clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.ORIGINAL_DST },
      lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
      connectTimeout: durationOf(scope.mesh.connectTimeoutMs),
      typedExtensionProtocolOptions: httpOptions("HTTP", {}, { downstream: true, http1: headerCase(scope) }),
      circuitBreakers: applyPolicy({}, 0, true).circuitBreakers,
      ...more,
    },
    configKeys: NO_OBJECTS,
  };
}

/** The way back into the proxy's own HTTP listener, for what clients tunnel with CONNECT. @param at where that listens */
export function tunnelCluster(at: { readonly address: string; readonly port: number }): BuiltCluster {
  return {
    name: TUNNEL_CLUSTER,
    message: {
      clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
      connectTimeout: durationOf(1000),
      circuitBreakers: applyPolicy({}, 0, true).circuitBreakers,
      ...oneEndpoint(TUNNEL_CLUSTER, at),
    },
    configKeys: NO_OBJECTS,
  };
}

/** The name of that cluster. */
export const TUNNEL_CLUSTER = "http_proxy_tunnel";
