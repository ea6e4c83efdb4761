import { anyOf } from "@xebec/api-envoy";
import { ExtAuthzSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/ext_authz/v3/ext_authz";
import { RBACSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/rbac/v3/rbac";
import type { BuiltExtensionConfig } from "../../build/built.ts";
import type { Scope } from "../../scope/scope.ts";
import { authorizerOf } from "../../security/authorizer.ts";
import { customRules } from "../custom-rules.ts";
import { httpExtAuthz } from "../ext-authz.ts";
import { discoveredFilter } from "./discovered-filter.ts";
import type { HttpFilter } from "./http-filter.ts";

const MATCH = "envoy.filters.http.rbac/CUSTOM/";
const ASK = "envoy.filters.http.ext_authz/";

/**
 * Asks external authorizers, by policies with action CUSTOM. For each authorizer there are two filters: RBAC finds out whether one of its
 * policies matches, without effect, and ext_authz asks if one does (docs/reference/pilot.md §3.9). What the policies of an authorizer
 * match that is not to be had is denied.
 */
export const customAuthorization: HttpFilter = {
  name: MATCH,
  phase: "customAuthorization",
  listener: (scope, { kind }) =>
    kind === "outbound"
      ? undefined
      : customRules(scope, false).flatMap(({ authorizer, configKeys }) => [
          { ...discoveredFilter(`${MATCH}${authorizer}`, [RBACSchema.typeName]), configKeys },
          { ...discoveredFilter(`${ASK}${authorizer}`, [ExtAuthzSchema.typeName, RBACSchema.typeName]), configKeys },
        ]),
  extensionConfig: (scope, name) => {
    if (name.startsWith(MATCH)) return matching(scope, name, name.slice(MATCH.length));
    if (name.startsWith(ASK)) return asking(scope, name, name.slice(ASK.length));
    return undefined;
  },
};

function matching(scope: Scope, name: string, authorizer: string): BuiltExtensionConfig {
  const rules = customRules(scope, false).find((each) => each.authorizer === authorizer);
  return { name, message: anyOf(RBACSchema, rules?.filter ?? {}), configKeys: rules?.configKeys ?? [] };
}

function asking(scope: Scope, name: string, authorizer: string): BuiltExtensionConfig {
  const { configKeys = [] } = customRules(scope, false).find((each) => each.authorizer === authorizer) ?? {};
  const found = authorizerOf(scope, authorizer);
  // Without an authorizer the filter before denies; this one is there because the listener has it.
  return { name, message: found ? anyOf(ExtAuthzSchema, httpExtAuthz(found)) : anyOf(RBACSchema, {}), configKeys };
}
