import { Cluster_DiscoveryType, Cluster_LbPolicy } from "@xebec/api-envoy/envoy/config/cluster/v3/cluster";
import { inboundCluster } from "@xebec/model-names";
import type { BuiltCluster } from "../build/built.ts";
import type { ProxyBinding } from "../scope/proxy.ts";
import type { Scope } from "../scope/scope.ts";
import type { ServiceTarget, Workload } from "../scope/workload.ts";
import { httpOptions, inboundPassthroughBind, oneEndpoint } from "./cluster-parts.ts";
import { headerCase } from "./header-case.ts";
import { serviceRule } from "./service-rule.ts";
import { statName } from "./stat-name.ts";
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
      altStatName: `${statNameOf(scope, name, target)};`,
      ...{ connectTimeout, circuitBreakers },
      ...(upstreamConnectionOptions ? { upstreamConnectionOptions } : {}),
      typedExtensionProtocolOptions: httpOptions(target.protocol, policy, {
        ...(target.protocol === "Auto" ? { downstream: true } : {}),
        http1: headerCase(scope),
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
      ...whereItListens(scope, name, target, binding),
    };
    made.set(name, { name, message, configKeys });
  }
  return [...made.values()];
}

function statNameOf({ mesh }: Scope, name: string, target: ServiceTarget): string {
  const { host, serviceName, serviceNamespace, servicePort, portName, targetPort } = target;
  return statName(
    mesh.statNames.inbound,
    name,
    { host, name: serviceName, namespace: serviceNamespace },
    { port: { number: servicePort, name: portName }, targetPort },
  );
}

/** Where the workload listens: where its Sidecar says, else at the address and port that were called. */
function whereItListens({ mesh }: Scope, name: string, { targetPort, ingress }: ServiceTarget, binding: ProxyBinding) {
  const container = binding.mode === "explicit" ? binding.appAddress : undefined;
  const { endpoint } = ingress ?? {};
  const fixed = (where: Parameters<typeof oneEndpoint>[1]) => ({
    clusterDiscoveryType: { case: "type" as const, value: Cluster_DiscoveryType.STATIC },
    ...oneEndpoint(name, where),
  });
  if (endpoint && "path" in endpoint) return fixed(endpoint);
  if (endpoint) {
    const isLocal = endpoint.address === "127.0.0.1" || endpoint.address === "::1";
    return {
      ...fixed({ address: (isLocal ? container : undefined) ?? endpoint.address, port: endpoint.port }),
      // What goes to the pod's own address would be captured once more.
      ...(isLocal || container ? {} : inboundPassthroughBind()),
    };
  }
  if (container) return fixed({ address: container, port: targetPort });
  if (mesh.toLocalhost) return fixed({ address: "127.0.0.1", port: targetPort });
  return {
    clusterDiscoveryType: { case: "type" as const, value: Cluster_DiscoveryType.ORIGINAL_DST },
    lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
    ...inboundPassthroughBind(),
  };
}

/**
 * What a DestinationRule for the service says of connections holds at its server's side, too, so that a limit that was raised is
 * raised on the whole way (docs/reference/pilot.md §3.2). What the Sidecar says comes first. How clients speak to servers does not concern the container.
 */
function inboundPolicy(
  scope: Scope,
  target: ServiceTarget,
): { policy: EffectivePolicy; configKeys: readonly string[] } {
  if (target.connectionPool) {
    const { h2UpgradePolicy: _outbound, ...http } = target.connectionPool.http ?? {};
    const configKey = target.ingress?.configKey ?? scope.sidecar?.key;
    return { policy: { connectionPool: { ...target.connectionPool, http } }, configKeys: configKey ? [configKey] : [] };
  }
  const service = scope.serviceOf(target.host, target.serviceNamespace);
  const rule = service && serviceRule(scope, service, "inbound");
  const { connectionPool } = effectivePolicy(rule?.spec, "", target.servicePort);
  if (!connectionPool) return { policy: {}, configKeys: [] };
  const { h2UpgradePolicy: _clients, ...http } = connectionPool.http ?? {};
  return { policy: { connectionPool: { ...connectionPool, http } }, configKeys: rule?.keys ?? [] };
}
