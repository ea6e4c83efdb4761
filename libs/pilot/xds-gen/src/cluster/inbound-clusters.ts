import { Cluster_DiscoveryType, Cluster_LbPolicy } from "@xebec/api-envoy/envoy/config/cluster/v3/cluster";
import { inboundCluster } from "@xebec/model-names";
import type { BuiltCluster } from "../build/built.ts";
import type { Scope } from "../scope/scope.ts";
import type { ServiceTarget, Workload } from "../scope/workload.ts";
import { httpOptions, inboundPassthroughBind, oneEndpoint } from "./cluster-parts.ts";
import { serviceRule } from "./service-rule.ts";
import { applyPolicy, type EffectivePolicy, effectivePolicy } from "./traffic-policy.ts";

/** The clusters of a sidecar's own ports. */
export function inboundClusters(scope: Scope, { binding, targets }: Workload): BuiltCluster[] {
  const made = new Map<string, BuiltCluster>();
  for (const target of targets) {
    const name = inboundCluster(target.targetPort);
    if (made.has(name)) continue;
    const { policy, configKeys } = inboundPolicy(scope, target);
    const { connectTimeout, circuitBreakers, upstreamConnectionOptions } = applyPolicy(
      policy,
      scope.mesh.connectTimeoutMs,
      true,
    );
    const message: BuiltCluster["message"] = {
      altStatName: `${name};`,
      ...{ connectTimeout, circuitBreakers },
      ...(upstreamConnectionOptions ? { upstreamConnectionOptions } : {}),
      typedExtensionProtocolOptions: httpOptions(target.protocol, policy, {
        ...(target.protocol === "Auto" ? { downstream: true } : {}),
      }),
      metadata: {
        filterMetadata: {
          istio: {
            services: targets
              .filter((each) => each.targetPort === target.targetPort)
              .map((each) => ({ host: each.host, name: each.serviceName, namespace: each.serviceNamespace })),
          },
        },
      },
      ...(binding.mode === "explicit"
        ? {
            clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
            ...oneEndpoint(name, binding.appAddress, target.targetPort),
          }
        : {
            clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.ORIGINAL_DST },
            lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
            ...inboundPassthroughBind(),
          }),
    };
    made.set(name, { name, message, configKeys });
  }
  return [...made.values()];
}

/**
 * What a DestinationRule for the service says of connections holds at its server's side, too, so that a limit that was raised is
 * raised on the whole way (docs/reference/pilot.md §3.2). How clients speak to servers does not concern the container.
 */
function inboundPolicy(
  scope: Scope,
  target: ServiceTarget,
): { policy: EffectivePolicy; configKeys: readonly string[] } {
  const service = scope.serviceOf(target.host, target.serviceNamespace);
  const rule = service && serviceRule(scope, service, "inbound");
  const { connectionPool } = effectivePolicy(rule?.spec, "", target.servicePort);
  if (!connectionPool) return { policy: {}, configKeys: [] };
  const { h2UpgradePolicy: _clients, ...http } = connectionPool.http ?? {};
  return { policy: { connectionPool: { ...connectionPool, http } }, configKeys: rule?.keys ?? [] };
}
