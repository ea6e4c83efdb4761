import { localityOf } from "@xebec/model-names";
import { type Keyed, keyed } from "./keyed.ts";

/** Where a proxy is. Only what depends on the place is made for each of them; everything else is shared. */
export type Place = Keyed<{
  /** `region/zone/subzone`. */
  readonly locality: string;
  /** Empty where it is not known: then everything is within reach. */
  readonly network: string;
  readonly cluster: string;
  /** Networks whose endpoints it wants to see, separated by commas; empty for all. */
  readonly networkView: string;
  /** Name of the Kubernetes node. */
  readonly node: string;
}>;

/** A place of which nothing is known. */
export const NOWHERE: Place = keyed({ locality: "", network: "", cluster: "", networkView: "", node: "" });

/** What is known of a place or an endpoint by names that are no labels of it, as `failoverPriority` has them. */
export function topologyOf(
  at: Pick<Place, "locality" | "network" | "cluster" | "node">,
): Readonly<Record<string, string>> {
  const { region, zone, subZone } = localityOf(at.locality);
  return {
    "topology.istio.io/network": at.network,
    "topology.istio.io/cluster": at.cluster,
    "topology.kubernetes.io/region": region,
    "topology.kubernetes.io/zone": zone,
    "topology.istio.io/subzone": subZone,
    "kubernetes.io/hostname": at.node,
  };
}
