import { isXebecError } from "@xebec/core-errors";
import type { KubeClient, RESOURCES } from "@xebec/platform-kube";

const CLUSTER_ROLES = {
  ...{ group: "rbac.authorization.k8s.io", version: "v1", kind: "ClusterRole", plural: "clusterroles" },
  clusterScoped: true,
} as const satisfies (typeof RESOURCES)["nodes"];

/** By which an object goes when another one does. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/**
 * What citadel makes goes with its installation: with its ClusterRole, which lives as long and which objects of every namespace may have
 * as their owner.
 * @param namespace of citadel
 * @returns none when citadel was not installed by the chart, or may not see it
 */
export async function installationOwner(client: KubeClient, namespace: string): Promise<readonly OwnerReference[]> {
  const name = `istio-citadel-${namespace}`;
  try {
    const { uid } = (await client.get(CLUSTER_ROLES, { name })).metadata;
    return uid ? [{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", name, uid }] : [];
  } catch (error) {
    if (isXebecError(error) && (error.code === "not_found" || error.code === "permission_denied")) return [];
    throw error;
  }
}
