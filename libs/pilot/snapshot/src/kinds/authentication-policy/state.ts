import type { AuthenticationPolicySpec } from "@xebec/model-resources";
import type { PersistentMap } from "../../collections/persistent-map.ts";
import { Query } from "../../query.ts";
import type { NamedObject } from "../kind.ts";

/** A Policy of Istio 1.1, or a MeshPolicy. */
export interface AuthenticationPolicy extends NamedObject {
  /** Empty for one that is for the whole mesh. */
  readonly scope: string;
  readonly spec: AuthenticationPolicySpec;
}

export interface AuthenticationPolicyState {
  /** By scope, the oldest first. */
  readonly authenticationPolicies: PersistentMap<readonly AuthenticationPolicy[]>;
}

export const authenticationPolicyKeys = {
  authenticationPolicy: (scope: string): string => `policy/${scope}`,
} as const;

/** A port of a service, as far as policies of Istio 1.1 tell ports apart. */
export interface PolicyTarget {
  /** The service's short name. */
  readonly name: string;
  readonly port: number;
  readonly portName: string;
}

const NONE: readonly AuthenticationPolicy[] = [];
const DEFAULT = "default";

/** True for the policies that are for all services of their scope. */
export function isForAll({ name, spec }: AuthenticationPolicy): boolean {
  return name === DEFAULT && !spec.targets?.length;
}

/**
 * The policy of Istio 1.1 for a port of a service: one that names the service, else that of the namespace, else that of the mesh
 * (docs/reference/pilot.md §3.14).
 * @param target undefined for what no service has
 */
export const authenticationPolicyOf = new Query(
  (
    { authenticationPolicies }: AuthenticationPolicyState,
    keys,
    namespace: string,
    target: PolicyTarget | undefined,
  ): AuthenticationPolicy | undefined => {
    const of = (scope: string): readonly AuthenticationPolicy[] => {
      keys.add(authenticationPolicyKeys.authenticationPolicy(scope));
      return authenticationPolicies.get(scope) ?? NONE;
    };
    const own = of(namespace);
    return (
      (target && own.find((each) => names(each, target))) ?? own.find(isForAll) ?? of("").find((each) => isForAll(each))
    );
  },
);

function names({ spec }: AuthenticationPolicy, { name, port, portName }: PolicyTarget): boolean {
  return (spec.targets ?? []).some(
    (each) =>
      each.name === name &&
      (!each.ports?.length || each.ports.some((one) => one.number === port || one.name === portName)),
  );
}
