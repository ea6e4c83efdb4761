import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RBACSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/rbac/v3/rbac";
import type { RbacAction, RbacRules } from "../security/rbac/condition.ts";
import { envoyRbac } from "../security/rbac/envoy-rbac.ts";

/** Prefixes of the counters for policies in dry run, as Istio has them. */
const SHADOW_PREFIX: Readonly<Record<RbacAction, string>> = {
  ALLOW: "istio_dry_run_allow_",
  DENY: "istio_dry_run_deny_",
  LOG: "",
};

type RbacFilter = Pick<MessageInitShape<typeof RBACSchema>, "rules" | "shadowRules" | "shadowRulesStatPrefix">;

/**
 * What the RBAC filters for HTTP and for connections have in common. Without rules, everything passes.
 * @param prefix of the counters of rules without effect; that of Istio's dry run when left out
 */
export function rbacFilter(rules: RbacRules | undefined, prefix?: string): RbacFilter {
  if (!rules) return {};
  const { action, enforced, shadow } = rules;
  return {
    ...(enforced ? { rules: envoyRbac(action, enforced) } : {}),
    ...(shadow
      ? { shadowRules: envoyRbac(action, shadow), shadowRulesStatPrefix: prefix ?? SHADOW_PREFIX[action] }
      : {}),
  };
}
