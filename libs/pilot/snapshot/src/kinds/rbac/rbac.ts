import { constraintKey, type Resource } from "@xebec/model-resources";
import { withReplaced } from "../../collections/by-age.ts";
import { PersistentMap } from "../../collections/persistent-map.ts";
import { type ConfigKind, type Edit, namedObject } from "../kind.ts";
import { type RbacReads, rbacConditions } from "./conditions.ts";
import { type RbacObject, type RbacState, rbacKeys, type ServiceRole } from "./state.ts";

/** The kinds of rbac.istio.io together: roles, bindings and configuration mean something only with each other. */
export const rbacKinds = {
  group: "rbac.istio.io",
  kind: undefined,
  keys: rbacKeys,
  initial: (): RbacState => ({
    rbacConfigs: [],
    serviceRoles: PersistentMap.empty(),
    serviceRoleBindings: PersistentMap.empty(),
    rolesByAccount: new Set(),
  }),
  make: (resource) =>
    ({ ...namedObject(resource), kind: resource.kind, spec: (resource as Resource<object>).spec }) as RbacObject,
  selectorLabels: (object) =>
    object.kind === "ServiceRole"
      ? constraintsOf(object).flatMap((each) => (each?.attribute === "label" ? [each.name] : []))
      : [],
  replace(edit, before, after) {
    const { state, changed } = edit;
    const kind = (before ?? after)?.kind;
    const namespace = (before ?? after)?.namespace ?? "";
    if (kind === "ServiceRole" || kind === "ServiceRoleBinding") {
      changed.add(rbacKeys.serviceRoles(namespace));
      if (kind === "ServiceRole") {
        state.serviceRoles = edited(state.serviceRoles, edit, before, after);
        noteAccounts(state, before, after);
      } else state.serviceRoleBindings = edited(state.serviceRoleBindings, edit, before, after);
      return;
    }
    state.rbacConfigs = withReplaced<RbacObject>(state.rbacConfigs, before, after) as RbacState["rbacConfigs"];
    changed.add(rbacKeys.rbacConfig);
  },
  *parts({ rbacConfigs, serviceRoles, serviceRoleBindings, rolesByAccount }) {
    for (const each of rbacConfigs) yield [rbacKeys.rbacConfig, each];
    for (const map of [serviceRoles, serviceRoleBindings])
      for (const [namespace, list] of map.entries()) yield [rbacKeys.serviceRoles(namespace), list];
    for (const each of rolesByAccount) yield [rbacKeys.serviceRoles(each.split("/")[2] ?? ""), each];
  },
  conditions: rbacConditions,
} satisfies ConfigKind<RbacObject, RbacState, RbacReads>;

function edited<T extends RbacObject>(
  map: PersistentMap<readonly T[]>,
  { batch }: Edit<RbacState>,
  before: RbacObject | undefined,
  after: RbacObject | undefined,
): PersistentMap<readonly T[]> {
  const namespace = (before ?? after)?.namespace ?? "";
  const list = withReplaced<RbacObject>(map.get(namespace) ?? [], before, after) as readonly T[];
  return map.edit([[namespace, list.length > 0 ? list : undefined]], batch);
}

function constraintsOf({ spec }: ServiceRole) {
  return spec.rules.flatMap(({ constraints = [] }) => constraints.map(({ key }) => constraintKey(key)));
}

function noteAccounts(
  state: Edit<RbacState>["state"],
  before: RbacObject | undefined,
  after: RbacObject | undefined,
): void {
  const reads = (role: RbacObject | undefined): role is ServiceRole =>
    role?.kind === "ServiceRole" && constraintsOf(role).some((each) => each?.attribute === "serviceAccount");
  if (!reads(before) && !reads(after)) return;
  const next = new Set(state.rolesByAccount);
  if (before) next.delete(before.key);
  if (reads(after)) next.add(after.key);
  state.rolesByAccount = next;
}
