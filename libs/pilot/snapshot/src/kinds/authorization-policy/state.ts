import type { AuthorizationPolicySpec } from "@xebec/model-resources";
import type { PersistentMap } from "../../collections/persistent-map.ts";
import { Query } from "../../query.ts";
import type { NamedObject } from "../kind.ts";
import type { MeshState } from "../mesh-config/state.ts";
import { policySelects, type SelectedProxy } from "../shared/policy-selection.ts";

export interface AuthorizationPolicy extends NamedObject {
  readonly spec: AuthorizationPolicySpec;
  /** It is evaluated and counted, without effect (annotation `istio.io/dry-run`). */
  readonly dryRun: boolean;
}

export interface AuthorizationPolicyState {
  /** By namespace, the oldest first. */
  readonly authorizationPolicies: PersistentMap<readonly AuthorizationPolicy[]>;
}

export const authorizationPolicyKeys = {
  authorizationPolicy: (namespace: string): string => `ap/${namespace}`,
} as const;

const NONE: readonly AuthorizationPolicy[] = [];

/** The policies for a proxy: those of the root namespace, then those of its own, the oldest first. */
export const authorizationPoliciesOf = new Query(
  (
    { authorizationPolicies, mesh }: AuthorizationPolicyState & MeshState,
    keys,
    proxy: SelectedProxy,
  ): readonly AuthorizationPolicy[] => {
    const root = mesh.rootNamespace;
    return [...new Set([root, proxy.namespace])].flatMap((namespace) => {
      keys.add(authorizationPolicyKeys.authorizationPolicy(namespace));
      return (authorizationPolicies.get(namespace) ?? NONE).filter((each) => policySelects(each, root, proxy));
    });
  },
);
