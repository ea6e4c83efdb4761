import { anyOf } from "@xebec/api-envoy";
import { RBACSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/rbac/v3/rbac";
import type { RbacAction } from "../../security/rbac/condition.ts";
import { RBAC_ACTIONS, rbacRules } from "../../security/rbac/rules.ts";
import { rbacFilter } from "../rbac.ts";
import { discoveredFilter } from "./discovered-filter.ts";
import type { HttpFilter } from "./http-filter.ts";

const PREFIX = "envoy.filters.http.rbac/";
const nameOf = (action: RbacAction): string => `${PREFIX}${action}`;

/**
 * Authorizes requests by AuthorizationPolicies: an RBAC filter for each action that a policy for the proxy has. The rules come by
 * discovery, so that they hold for the next request of every connection, and all chains share them.
 */
export const authorization: HttpFilter = {
  name: PREFIX,
  phase: "authorization",
  listener: (scope, { kind }) =>
    kind === "outbound"
      ? undefined
      : RBAC_ACTIONS.flatMap((action) => {
          const rules = rbacRules(scope, action, false);
          if (!rules) return [];
          return [{ ...discoveredFilter(nameOf(action), [RBACSchema.typeName]), configKeys: rules.configKeys }];
        }),
  extensionConfig: (scope, name) => {
    const action = RBAC_ACTIONS.find((each) => nameOf(each) === name);
    if (!action) return undefined;
    // Listeners that drain ask for it as long as they are there, also when the last policy is gone.
    const rules = rbacRules(scope, action, false);
    return { name, message: anyOf(RBACSchema, rbacFilter(rules)), configKeys: rules?.configKeys ?? [] };
  },
};
