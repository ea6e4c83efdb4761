import type { AuthorizationPolicySpec, Resource } from "@xebec/model-resources";
import { withReplaced } from "../../collections/by-age.ts";
import { PersistentMap } from "../../collections/persistent-map.ts";
import { type ConfigKind, namedObject } from "../kind.ts";
import { policyLabels } from "../shared/policy-selection.ts";
import { type AuthorizationPolicyReads, authorizationPolicyConditions } from "./conditions.ts";
import { type AuthorizationPolicy, type AuthorizationPolicyState, authorizationPolicyKeys } from "./state.ts";

const { authorizationPolicy } = authorizationPolicyKeys;
const DRY_RUN = "istio.io/dry-run";
/** What Go reads as true. */
const TRUE = new Set(["1", "t", "T", "TRUE", "true", "True"]);

export const authorizationPolicyKind = {
  group: "security.istio.io",
  kind: "AuthorizationPolicy",
  keys: authorizationPolicyKeys,
  initial: (): AuthorizationPolicyState => ({ authorizationPolicies: PersistentMap.empty() }),
  make: (resource) => ({
    ...namedObject(resource),
    spec: (resource as Resource<AuthorizationPolicySpec>).spec,
    dryRun: TRUE.has(resource.annotations?.[DRY_RUN] ?? ""),
  }),
  selectorLabels: policyLabels,
  replace({ state, changed, batch }, before, after) {
    const namespace = (before ?? after)?.namespace;
    if (namespace === undefined) return;
    const list = withReplaced(state.authorizationPolicies.get(namespace) ?? [], before, after);
    state.authorizationPolicies = state.authorizationPolicies.edit(
      [[namespace, list.length > 0 ? list : undefined]],
      batch,
    );
    changed.add(authorizationPolicy(namespace));
  },
  *parts({ authorizationPolicies }) {
    for (const [namespace, list] of authorizationPolicies.entries()) yield [authorizationPolicy(namespace), list];
  },
  conditions: authorizationPolicyConditions,
} satisfies ConfigKind<AuthorizationPolicy, AuthorizationPolicyState, AuthorizationPolicyReads>;
