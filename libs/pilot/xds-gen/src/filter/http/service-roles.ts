import { anyOf } from "@xebec/api-envoy";
import { RBACSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/rbac/v3/rbac";
import type { Scope } from "../../scope/scope.ts";
import type { RbacRules } from "../../security/rbac/condition.ts";
import { serviceRoleRules } from "../../security/rbac/service-roles.ts";
import { rbacFilter } from "../rbac.ts";
import { discoveredFilter } from "./discovered-filter.ts";
import type { HttpFilter } from "./http-filter.ts";

const PREFIX = "envoy.filters.http.rbac/ROLES/";

/** Authorizes requests to services that ask for Istio 1.1's roles (docs/reference/pilot.md §3.14). The rules come by discovery. */
export const serviceRoles: HttpFilter = {
  name: PREFIX,
  phase: "authorization",
  listener: (scope, { service }) => {
    const rules = service && serviceRoleRules(scope, service, false);
    if (!rules) return undefined;
    return { ...discoveredFilter(`${PREFIX}${service.host}`, [RBACSchema.typeName]), configKeys: rules.configKeys };
  },
  extensionConfig: (scope, name) => {
    if (!name.startsWith(PREFIX)) return undefined;
    const rules = rulesOf(scope, name.slice(PREFIX.length));
    return { name, message: anyOf(RBACSchema, rbacFilter(rules, "")), configKeys: rules?.configKeys ?? [] };
  },
};

function rulesOf(scope: Scope, host: string): RbacRules | undefined {
  const { namespace } = scope.proxyClass;
  const service = scope.serviceOf(host, namespace);
  return service && serviceRoleRules(scope, { host, name: service.name, namespace }, false);
}
