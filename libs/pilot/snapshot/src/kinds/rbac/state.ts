import type { RbacConfigSpec, ServiceRoleBindingSpec, ServiceRoleSpec } from "@xebec/model-resources";
import type { PersistentMap } from "../../collections/persistent-map.ts";
import { Query } from "../../query.ts";
import type { NamedObject } from "../kind.ts";
import type { MeshState } from "../mesh-config/state.ts";

// The kinds of rbac.istio.io, Istio 1.1's authorization (docs/reference/pilot.md §3.14).

export interface RbacConfig extends NamedObject {
  readonly kind: "ClusterRbacConfig" | "RbacConfig";
  readonly spec: RbacConfigSpec;
}

export interface ServiceRole extends NamedObject {
  readonly kind: "ServiceRole";
  readonly spec: ServiceRoleSpec;
}

export interface ServiceRoleBinding extends NamedObject {
  readonly kind: "ServiceRoleBinding";
  readonly spec: ServiceRoleBindingSpec;
}

export type RbacObject = RbacConfig | ServiceRole | ServiceRoleBinding;

export interface RbacState {
  /** The oldest first. */
  readonly rbacConfigs: readonly RbacConfig[];
  /** By namespace, the oldest first. */
  readonly serviceRoles: PersistentMap<readonly ServiceRole[]>;
  readonly serviceRoleBindings: PersistentMap<readonly ServiceRoleBinding[]>;
  /** The roles that look at the account of the workload, which tells proxies apart only then. */
  readonly rolesByAccount: ReadonlySet<string>;
}

export const rbacKeys = {
  rbacConfig: "rbac-config",
  serviceRoles: (namespace: string): string => `roles/${namespace}`,
} as const;

/** A role with those who have it. */
export interface BoundRole {
  readonly role: ServiceRole;
  readonly bindings: readonly ServiceRoleBinding[];
}

/** What holds for a service for which roles are asked for. */
export interface ServiceRbac {
  readonly config: RbacConfig;
  /** The roles of the service's namespace. */
  readonly roles: readonly BoundRole[];
}

/** The configuration that counts: ClusterRbacConfig, else RbacConfig of the root namespace. */
export function rbacConfigOf({ rbacConfigs, mesh }: RbacState & MeshState): RbacConfig | undefined {
  return (
    rbacConfigs.find(({ kind }) => kind === "ClusterRbacConfig") ??
    rbacConfigs.find(({ namespace }) => namespace === mesh.rootNamespace)
  );
}

/** The roles for a service; undefined when it can be called without. */
export const serviceRbacOf = new Query(
  (state: RbacState & MeshState, keys, { host, namespace }: { readonly host: string; readonly namespace: string }) => {
    keys.add(rbacKeys.rbacConfig);
    const config = rbacConfigOf(state);
    if (!config || !asksForRoles(config.spec, host, namespace)) return undefined;
    keys.add(rbacKeys.serviceRoles(namespace));
    const bindings = state.serviceRoleBindings.get(namespace) ?? [];
    const roles = (state.serviceRoles.get(namespace) ?? []).map((role) => ({
      role,
      bindings: bindings.filter(({ spec }) => spec.roleRef.name === role.name),
    }));
    return { config, roles } satisfies ServiceRbac;
  },
);

function asksForRoles(
  { mode = "OFF", inclusion, exclusion }: RbacConfigSpec,
  host: string,
  namespace: string,
): boolean {
  const isIn = ({ services = [], namespaces = [] }: NonNullable<RbacConfigSpec["inclusion"]> = {}): boolean =>
    services.includes(host) || namespaces.includes(namespace);
  if (mode === "ON") return true;
  if (mode === "ON_WITH_INCLUSION") return isIn(inclusion);
  return mode === "ON_WITH_EXCLUSION" && !isIn(exclusion);
}
