import { durationOf } from "@xebec/api-envoy";
import {
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterSchema,
} from "@xebec/api-envoy/envoy/config/cluster/v3/cluster";
import { inboundCluster } from "@xebec/model-names";
import { type ClusterInit, fromInboundSource, httpOptions, oneEndpoint } from "./cluster-parts.ts";
import type { GenerationContext } from "./context.ts";
import { type EncodedResource, encodeResourceMessage } from "./encoded.ts";
import type { MeshProxy, ServiceTarget } from "./proxy.ts";
import { applyPolicy } from "./traffic-policy.ts";

/** The clusters of a sidecar's own ports. */
export function inboundClusters(
  context: GenerationContext,
  proxy: MeshProxy,
  targets: readonly ServiceTarget[],
): EncodedResource[] {
  const made = new Map<string, EncodedResource>();
  for (const target of targets) {
    const name = inboundCluster(target.targetPort);
    if (made.has(name)) continue;
    const init: ClusterInit = {
      name,
      altStatName: `${name};`,
      connectTimeout: durationOf(context.snapshot.mesh.connectTimeoutMs),
      circuitBreakers: applyPolicy({}, 0, true).circuitBreakers,
      typedExtensionProtocolOptions: httpOptions(target.protocol, {}),
      metadata: {
        filterMetadata: {
          istio: {
            services: targets
              .filter((each) => each.targetPort === target.targetPort)
              .map((each) => ({ host: each.host, name: each.serviceName, namespace: each.serviceNamespace })),
          },
        },
      },
      ...(proxy.interception === "NONE"
        ? {
            clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
            ...oneEndpoint(name, proxy.appAddress, target.targetPort),
          }
        : {
            clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.ORIGINAL_DST },
            lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
            ...fromInboundSource(),
          }),
    };
    made.set(name, encodeResourceMessage(ClusterSchema, name, init));
  }
  return [...made.values()];
}
