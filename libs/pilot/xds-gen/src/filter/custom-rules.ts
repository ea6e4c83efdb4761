import type { AuthorizationPolicy } from "@xebec/pilot-snapshot";
import type { Scope } from "../scope/scope.ts";
import { authorizerOf } from "../security/authorizer.ts";
import { envoyRbac } from "../security/rbac/envoy-rbac.ts";
import { customPolicies, rulesOf } from "../security/rbac/rules.ts";
import { policyPrefix, SHADOW_PREFIX } from "./ext-authz.ts";

/** The policies that ask one authorizer. */
export interface CustomRules {
  readonly authorizer: string;
  /** What Envoy's RBAC filters have of them. */
  readonly filter: {
    readonly rules?: ReturnType<typeof envoyRbac>;
    readonly shadowRules?: ReturnType<typeof envoyRbac>;
    readonly shadowRulesStatPrefix?: string;
  };
  readonly configKeys: readonly string[];
}

/** Of a policy whose authorizer cannot be asked. */
const BAD = "-deny-due-to-bad-CUSTOM-action";

/** The policies with action CUSTOM that select the class, by the authorizer that they name. @param forTcp for connections without HTTP */
export function customRules(scope: Scope, forTcp: boolean): readonly CustomRules[] {
  return scope.cached(`rbac/${forTcp ? "tcp" : "http"}/CUSTOM`, (inner) => {
    const byAuthorizer = new Map<string, AuthorizationPolicy[]>();
    for (const policy of customPolicies(inner)) {
      // In dry run nobody is asked.
      if (policy.dryRun) continue;
      const name = policy.spec.provider?.name ?? "";
      byAuthorizer.set(name, [...(byAuthorizer.get(name) ?? []), policy]);
    }
    return [...byAuthorizer].map(([authorizer, policies]) => rulesFor(inner, authorizer, policies, forTcp));
  });
}

function rulesFor(
  scope: Scope,
  authorizer: string,
  policies: readonly AuthorizationPolicy[],
  forTcp: boolean,
): CustomRules {
  // Translated as rules that deny: attributes of HTTP are left out for connections without it, so that more is asked about.
  const { enforced = [], configKeys } = rulesOf(scope, policies, "DENY", forTcp, policyPrefix(authorizer));
  if (authorizerOf(scope, authorizer))
    return {
      authorizer,
      filter: { shadowRules: envoyRbac("DENY", enforced), shadowRulesStatPrefix: SHADOW_PREFIX },
      configKeys,
    };
  const denied = enforced.map((each) => ({ ...each, name: `${each.name}${BAD}` }));
  return { authorizer, filter: { rules: envoyRbac("DENY", denied) }, configKeys };
}
