import { anyOf } from "@xebec/api-envoy";
import { RBACSchema } from "@xebec/api-envoy/envoy/extensions/filters/network/rbac/v3/rbac";
import { serviceRoleRules } from "../../security/rbac/service-roles.ts";
import { rbacFilter } from "../rbac.ts";
import type { NetworkFilter } from "./network-filter.ts";

/** Authorizes connections without HTTP to services that ask for Istio 1.1's roles (docs/reference/pilot.md §3.14). */
export const tcpServiceRoles: NetworkFilter = {
  name: "envoy.filters.network.rbac/ROLES",
  phase: "authorization",
  chain: (scope, connection) => {
    if (connection.protocol !== "tcp" || !connection.service) return undefined;
    const rules = serviceRoleRules(scope, connection.service, true);
    if (!rules) return undefined;
    const value = anyOf(RBACSchema, { ...rbacFilter(rules, ""), statPrefix: "tcp." });
    return {
      name: "envoy.filters.network.rbac",
      message: { configType: { case: "typedConfig", value } },
      configKeys: rules.configKeys,
    };
  },
};
