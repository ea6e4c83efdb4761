import { conditionKey } from "@xebec/model-resources";
import { attached, ignored, unlessUnused } from "../conditions.ts";
import type { KnownProxies, ObjectCondition } from "../kind.ts";
import type { MeshState } from "../mesh-config/state.ts";
import { type RbacConfig, type RbacState, rbacConfigOf, type ServiceRole, type ServiceRoleBinding } from "./state.ts";

export type RbacReads = RbacState & MeshState;

/** Whether Istio 1.1's roles are in effect. */
export function* rbacConditions(state: RbacReads, proxies: KnownProxies): Generator<ObjectCondition> {
  const config = rbacConfigOf(state);
  for (const each of state.rbacConfigs) yield ofConfig(each, config, state, proxies);
  const isOff = (config?.spec.mode ?? "OFF") === "OFF";
  const made = (condition: ObjectCondition): ObjectCondition =>
    isOff ? ignored(condition.key, "NoProxyAffected", OFF) : unlessUnused(condition, proxies);
  for (const [namespace, roles] of state.serviceRoles.entries()) {
    const bindings = state.serviceRoleBindings.get(namespace) ?? [];
    for (const each of roles) yield made(ofRole(each, bindings));
  }
  for (const [namespace, bindings] of state.serviceRoleBindings.entries()) {
    const roles = state.serviceRoles.get(namespace) ?? [];
    for (const each of bindings) yield made(ofBinding(each, roles));
  }
}

const OFF = "no service asks for roles: create a ClusterRbacConfig named default with mode ON";

function ofConfig(
  each: RbacConfig,
  counts: RbacConfig | undefined,
  { mesh }: MeshState,
  proxies: KnownProxies,
): ObjectCondition {
  if (each !== counts)
    return ignored(
      each.key,
      "NoProxyAffected",
      each.namespace === mesh.rootNamespace
        ? "the ClusterRbacConfig default holds in its place"
        : `only a RbacConfig of the root namespace ${mesh.rootNamespace} holds; write a ClusterRbacConfig`,
    );
  if ((each.spec.mode ?? "OFF") === "OFF") return attached(each.key, [], "no service asks for roles");
  return unlessUnused(attached(each.key, []), proxies);
}

function ofRole({ key, name, namespace }: ServiceRole, bindings: readonly ServiceRoleBinding[]): ObjectCondition {
  return bindings.some(({ spec }) => spec.roleRef.name === name)
    ? attached(key, [])
    : ignored(
        key,
        "NoProxyAffected",
        `no ServiceRoleBinding of namespace ${namespace} refers to it: nobody has the role`,
      );
}

function ofBinding({ key, namespace, spec }: ServiceRoleBinding, roles: readonly ServiceRole[]): ObjectCondition {
  const { name } = spec.roleRef;
  if (!roles.some((each) => each.name === name))
    return ignored(key, "NoProxyAffected", `spec.roleRef.name: no ServiceRole ${name} in namespace ${namespace}`);
  const unknown = spec.subjects.flatMap(({ properties = {} }, i) =>
    Object.keys(properties)
      .filter((each) => !conditionKey(each))
      .map((each) => `spec.subjects[${i}].properties.${each}: no such attribute: the subject is nobody`),
  );
  return attached(key, unknown, spec.mode === "PERMISSIVE" ? "permissive: counted, without effect" : "");
}
