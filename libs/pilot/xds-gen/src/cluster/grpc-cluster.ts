import { Cluster_DiscoveryType, Cluster_LbPolicy } from "@xebec/api-envoy/envoy/config/cluster/v3/cluster";
import { labelsMatch } from "@xebec/model-names";
import { namedPort } from "@xebec/pilot-registry";
import type { BuiltCluster, ClusterInit } from "../build/built.ts";
import { type GrpcTarget, grpcTargetOf } from "../scope/grpc-service.ts";
import { resolutionFor } from "../scope/resolution.ts";
import type { Scope } from "../scope/scope.ts";
import { grpcUpstreamTls } from "../security/grpc-tls.ts";
import { san } from "../security/tls-context.ts";
import { oneEndpoint } from "./cluster-parts.ts";
import { serverNames } from "./outbound-clusters.ts";
import { serviceRule } from "./service-rule.ts";
import { subsetLabels } from "./subset.ts";
import { applyPolicy, type EffectivePolicy, effectivePolicy } from "./traffic-policy.ts";

/**
 * A cluster for gRPC's own clients (docs/reference/pilot.md §4.1 for its name). They know round robin and ring hash, one limit of
 * requests, and mutual TLS where a DestinationRule asks for it: nothing tells them which servers can speak it.
 * @returns undefined when they cannot call it
 */
export function grpcCluster(scope: Scope, name: string): BuiltCluster | undefined {
  const target = grpcTargetOf(scope, name);
  if (!target) return undefined;
  const { service, port, subset } = target;
  const rule = serviceRule(scope, service);
  const labels = subset ? subsetLabels(scope, service, subset) : undefined;
  if (subset && !labels) return undefined;
  const policy = effectivePolicy(rule?.spec, subset, port.number);
  const found = discovery(scope, target, name, labels);
  if (!found) return undefined;
  return {
    name,
    message: { ...found, ...balancing(scope, policy), ...transportSocket(scope, target, policy) },
    configKeys: [...service.configKeys, ...(rule?.keys ?? [])],
  };
}

function discovery(
  scope: Scope,
  { service, port }: GrpcTarget,
  name: string,
  labels: Readonly<Record<string, string>> | undefined,
): ClusterInit | undefined {
  switch (resolutionFor(scope.proxyClass, service)) {
    case "passthrough":
      return undefined;
    case "eds":
      return {
        clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
        edsClusterConfig: {
          edsConfig: { resourceApiVersion: 2, configSourceSpecifier: { case: "ads", value: {} } },
          serviceName: name,
        },
      };
    default: {
      // gRPC resolves the name of one host for each cluster.
      const host = scope
        .endpoints(service)
        .find(
          (each) => namedPort(each.ports, port.name) !== undefined && each.address && labelsMatch(labels, each.labels),
        );
      if (!host) return undefined;
      return {
        clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.LOGICAL_DNS },
        ...oneEndpoint(name, { address: host.address, port: namedPort(host.ports, port.name) as number }),
      };
    }
  }
}

function balancing(scope: Scope, policy: EffectivePolicy): ClusterInit {
  const { lbPolicy, lbConfig, circuitBreakers } = applyPolicy(policy, scope.mesh.connectTimeoutMs, false);
  const hashes = policy.loadBalancer?.consistentHash !== undefined;
  return {
    lbPolicy: hashes ? Cluster_LbPolicy.RING_HASH : Cluster_LbPolicy.ROUND_ROBIN,
    ...(lbPolicy === Cluster_LbPolicy.RING_HASH ? { lbConfig } : {}),
    circuitBreakers,
  };
}

function transportSocket(
  scope: Scope,
  { service }: GrpcTarget,
  { tls }: EffectivePolicy,
): Pick<ClusterInit, "transportSocket"> {
  if (tls?.mode !== "ISTIO_MUTUAL") return {};
  const names = tls.subjectAltNames?.length
    ? tls.subjectAltNames.map((each) => san(each))
    : serverNames(scope, service);
  return { transportSocket: grpcUpstreamTls(names) };
}
