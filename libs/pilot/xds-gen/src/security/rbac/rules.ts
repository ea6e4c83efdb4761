import { type AuthorizationPolicy, authorizationPoliciesOf } from "@xebec/pilot-snapshot";
import type { Scope } from "../../scope/scope.ts";
import type { RbacAction, RbacPolicy, RbacRules } from "./condition.ts";
import { rbacPolicies } from "./policy-rules.ts";

/** The actions that a proxy takes by itself, in the order in which they are taken (docs/reference/pilot.md §3.9). */
export const RBAC_ACTIONS: readonly RbacAction[] = ["LOG", "DENY", "ALLOW"];

/** The action of a policy as Envoy has it; undefined for `CUSTOM`, which asks somebody else. */
function actionOf({ spec: { action = "ALLOW" } }: AuthorizationPolicy): RbacAction | undefined {
  return action === "CUSTOM" ? undefined : action === "AUDIT" ? "LOG" : action;
}

/**
 * The rules of all policies with an action that select the class.
 * @param forTcp for connections without HTTP
 * @returns undefined when no policy does
 */
export function rbacRules(scope: Scope, action: RbacAction, forTcp: boolean): RbacRules | undefined {
  return scope.cached(`rbac/${forTcp ? "tcp" : "http"}/${action}`, (inner) => {
    const policies = inner.read(authorizationPoliciesOf, inner.proxyClass).filter((each) => actionOf(each) === action);
    if (policies.length === 0) return undefined;
    return rulesOf(inner, policies, action, forTcp);
  });
}

/** The policies that ask an external authorizer. */
export function customPolicies(scope: Scope): readonly AuthorizationPolicy[] {
  return scope.read(authorizationPoliciesOf, scope.proxyClass).filter(({ spec }) => spec.action === "CUSTOM");
}

/** The rules of these policies. @param prefix of their names */
export function rulesOf(
  { mesh }: Pick<Scope, "mesh">,
  policies: readonly AuthorizationPolicy[],
  action: RbacAction,
  forTcp: boolean,
  prefix?: string,
): RbacRules {
  const trustDomains = [mesh.trustDomain, ...mesh.trustDomainAliases];
  const made = (list: readonly AuthorizationPolicy[]): RbacPolicy[] =>
    list.flatMap((each) => {
      const { namespace, spec } = each;
      return rbacPolicies(each, spec.rules ?? [], { action, forTcp, namespace, trustDomains }, prefix);
    });
  const [enforced, shadow] = [policies.filter((each) => !each.dryRun), policies.filter((each) => each.dryRun)];
  return {
    action,
    ...(enforced.length > 0 ? { enforced: made(enforced) } : {}),
    ...(shadow.length > 0 ? { shadow: made(shadow) } : {}),
    configKeys: policies.map(({ key }) => key),
  };
}
