import type { LocalityLbSetting } from "@xebec/model-resources";
import type { MeshService } from "@xebec/pilot-registry";
import type { EffectivePolicy } from "../cluster/traffic-policy.ts";
import type { Scope } from "../scope/scope.ts";

/** How traffic is shared between localities, where the client's own place matters (docs/reference/pilot.md §3.2). */
export type LocalityBalance =
  | { readonly distribute: NonNullable<LocalityLbSetting["distribute"]> }
  | {
      readonly failover: NonNullable<LocalityLbSetting["failover"]>;
      readonly failoverPriority: readonly string[];
    };

const SAME_ZONE = ["topology.istio.io/network", "topology.kubernetes.io/region", "topology.kubernetes.io/zone"];
const SAME_NODE = [...SAME_ZONE, "topology.istio.io/subzone", "kubernetes.io/hostname"];

/**
 * The rule's setting, else that of the service's traffic distribution, else the mesh's. Without outlier detection nothing fails over,
 * because Envoy never finds an endpoint unhealthy; a traffic distribution does so all the same.
 * @returns undefined where the client's place does not matter
 */
export function localityBalance(
  { mesh }: Pick<Scope, "mesh">,
  { trafficDistribution }: MeshService,
  { loadBalancer, outlierDetection }: EffectivePolicy,
): LocalityBalance | undefined {
  const ruled = loadBalancer?.localityLbSetting;
  if (!ruled && trafficDistribution)
    return { failover: [], failoverPriority: trafficDistribution === "node" ? SAME_NODE : SAME_ZONE };
  const setting = ruled ?? mesh.localityLb;
  if (setting.enabled === false) return undefined;
  if (setting.distribute?.length) return { distribute: setting.distribute };
  if (!outlierDetection) return undefined;
  return { failover: setting.failover ?? [], failoverPriority: setting.failoverPriority ?? [] };
}

/** True when endpoints of one locality may be preferred to each other. */
export function looksAtLabels(balance: LocalityBalance): boolean {
  return "failover" in balance && balance.failoverPriority.length > 0;
}
