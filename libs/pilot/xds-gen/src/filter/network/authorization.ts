import { anyOf } from "@xebec/api-envoy";
import { RBACSchema } from "@xebec/api-envoy/envoy/extensions/filters/network/rbac/v3/rbac";
import { RBAC_ACTIONS, rbacRules } from "../../security/rbac/rules.ts";
import { rbacFilter } from "../rbac.ts";
import type { NetworkFilter } from "./network-filter.ts";

/**
 * Authorizes connections without HTTP by AuthorizationPolicies. The rules are part of the listener: a connection is authorized once, so
 * that a change has to end those that are open.
 */
export const tcpAuthorization: NetworkFilter = {
  name: "envoy.filters.network.rbac",
  phase: "authorization",
  chain: (scope, connection) => {
    if (connection.protocol !== "tcp" || connection.kind === "outbound" || connection.clusters.length === 0) return [];
    return RBAC_ACTIONS.flatMap((action) => {
      const rules = rbacRules(scope, action, true);
      if (!rules) return [];
      const value = anyOf(RBACSchema, { ...rbacFilter(rules), statPrefix: "tcp." });
      const message = { configType: { case: "typedConfig", value } } as const;
      return [{ name: tcpAuthorization.name, message, configKeys: rules.configKeys }];
    });
  },
};
