import { durationOf } from "@xebec/api-envoy";
import { Cluster_DiscoveryType } from "@xebec/api-envoy/envoy/config/cluster/v3/cluster";
import { hostCovers, sniOf } from "@xebec/model-names";
import type { MeshService } from "@xebec/pilot-registry";
import type { BuiltCluster } from "../build/built.ts";
import { resolutionFor } from "../scope/resolution.ts";
import type { Scope } from "../scope/scope.ts";
import { serviceRule } from "./service-rule.ts";
import { applyPolicy, effectivePolicy } from "./traffic-policy.ts";

const ADS = { configSourceSpecifier: { case: "ads" as const, value: {} }, resourceApiVersion: 2 };

/**
 * The clusters behind a Gateway's server of mode AUTO_PASSTHROUGH: one for each port of the mesh's services, and one more for each subset,
 * by the name that clients of the mesh send in their handshake. TLS passes through: they have none of their own
 * (docs/reference/pilot.md §4.1).
 * @param hosts of the server
 */
export function sniDnatClusters(scope: Scope, hosts: readonly string[]): readonly BuiltCluster[] {
  return scope.services().flatMap((service) => {
    if (service.external || !hosts.some((wide) => hostCovers(wide, service.host))) return [];
    return ofService(scope, service);
  });
}

function ofService(scope: Scope, service: MeshService): readonly BuiltCluster[] {
  if (resolutionFor(scope.proxyClass, service) !== "eds") return [];
  return scope.cachedOf(`sni-dnat/${service.id}`, service, (inner) => {
    const rule = serviceRule(inner, service);
    const configKeys = [...service.configKeys, ...(rule?.keys ?? [])];
    return service.ports
      .filter(({ protocol }) => protocol !== "UDP")
      .flatMap(({ number }) =>
        ["", ...(rule?.spec.subsets ?? []).map((each) => each.name)].map((subset): BuiltCluster => {
          const name = sniOf(number, subset, service.host);
          const policy = effectivePolicy(rule?.spec, subset, number);
          const message: BuiltCluster["message"] = {
            ...applyPolicy(policy, inner.mesh.connectTimeoutMs, false),
            altStatName: `${name};`,
            clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
            edsClusterConfig: { edsConfig: { ...ADS, initialFetchTimeout: durationOf(0) }, serviceName: name },
          };
          return { name, message, configKeys };
        }),
      );
  });
}
