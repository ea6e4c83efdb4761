import { durationOf } from "@xebec/api-envoy";
import {
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterSchema,
} from "@xebec/api-envoy/envoy/config/cluster/v3/cluster";
import { type EncodedResource, encodeResourceMessage } from "../encode/encoded.ts";
import type { ProxyBinding } from "../scope/proxy.ts";
import type { Scope } from "../scope/scope.ts";
import { type ClusterInit, httpOptions, inboundPassthroughBind, oneEndpoint } from "./cluster-parts.ts";
import { applyPolicy } from "./traffic-policy.ts";

/** The clusters that every proxy has: nowhere, and for sidecars whatever the client dialled. */
export function standardClusters(scope: Scope): EncodedResource[] {
  const blackHole: ClusterInit = {
    name: "BlackHoleCluster",
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
    connectTimeout: durationOf(scope.mesh.connectTimeoutMs),
  };
  const clusters = [encodeResourceMessage(ClusterSchema, "BlackHoleCluster", blackHole)];
  if (scope.proxyClass.type === "router") return clusters;
  clusters.push(
    encodeResourceMessage(ClusterSchema, "PassthroughCluster", originalDestination(scope, "PassthroughCluster")),
  );
  if (scope.proxyClass.interception === "NONE") return clusters;
  const inbound = Object.assign(originalDestination(scope, "InboundPassthroughCluster"), inboundPassthroughBind());
  clusters.push(encodeResourceMessage(ClusterSchema, "InboundPassthroughCluster", inbound));
  return clusters;
}

function originalDestination(scope: Scope, name: string): ClusterInit {
  return {
    name,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.ORIGINAL_DST },
    lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
    connectTimeout: durationOf(scope.mesh.connectTimeoutMs),
    typedExtensionProtocolOptions: httpOptions("HTTP", {}, { downstream: true }),
    circuitBreakers: applyPolicy({}, 0, true).circuitBreakers,
  };
}

type ExplicitBinding = Extract<ProxyBinding, { mode: "explicit" }>;

/** The way back into the proxy's own HTTP listener, for what clients tunnel with CONNECT. */
export function tunnelCluster({ address, httpProxyPort }: ExplicitBinding): EncodedResource {
  return encodeResourceMessage(ClusterSchema, TUNNEL_CLUSTER, {
    name: TUNNEL_CLUSTER,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
    connectTimeout: durationOf(1000),
    circuitBreakers: applyPolicy({}, 0, true).circuitBreakers,
    ...oneEndpoint(TUNNEL_CLUSTER, address, httpProxyPort),
  });
}

/** The name of that cluster. */
export const TUNNEL_CLUSTER = "http_proxy_tunnel";
