import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyOf } from "@xebec/api-envoy";
import {
  type PermissionSchema,
  type PrincipalSchema,
  RBAC_Action,
  type RBACSchema,
} from "@xebec/api-envoy/envoy/config/rbac/v3/rbac";
import type { HeaderMatcherSchema } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import { UriTemplateMatchConfigSchema } from "@xebec/api-envoy/envoy/extensions/path/match/uri_template/v3/uri_template_match";
import type { MetadataMatcherSchema } from "@xebec/api-envoy/envoy/type/matcher/v3/metadata";
import type { StringMatcherSchema } from "@xebec/api-envoy/envoy/type/matcher/v3/string";
import type { ValueMatcherSchema } from "@xebec/api-envoy/envoy/type/matcher/v3/value";
import type { Cidr } from "../../listener/cidr.ts";
import {
  allOf,
  type Condition,
  type RbacAction,
  type RbacPolicy,
  type TextMatch,
  type ValueMatch,
} from "./condition.ts";
import { hostInAnyForm, listWithItem, otherThan } from "./patterns.ts";

type Permission = MessageInitShape<typeof PermissionSchema>;
type Principal = MessageInitShape<typeof PrincipalSchema>;
type Header = MessageInitShape<typeof HeaderMatcherSchema>;
type StringMatcher = MessageInitShape<typeof StringMatcherSchema>;
type ValueMatcher = MessageInitShape<typeof ValueMatcherSchema>;

const ACTIONS: Readonly<Record<RbacAction, RBAC_Action>> = {
  ALLOW: RBAC_Action.ALLOW,
  DENY: RBAC_Action.DENY,
  LOG: RBAC_Action.LOG,
};

/** The rules of Envoy's RBAC filters, for HTTP and for connections. */
export function envoyRbac(action: RbacAction, policies: readonly RbacPolicy[]): MessageInitShape<typeof RBACSchema> {
  return {
    action: ACTIONS[action],
    policies: Object.fromEntries(
      policies.map(({ name, permissions, principals }) => [
        name,
        { permissions: permissions.map(toPermission), principals: principals.map(toPrincipal) },
      ]),
    ),
  };
}

/** @throws TypeError for a condition that Envoy knows of callers alone */
export function toPermission(condition: Condition): Permission {
  switch (condition.kind) {
    case "any":
      return { rule: { case: "any", value: true } };
    case "not":
      return { rule: { case: "notRule", value: toPermission(condition.of) } };
    case "all":
      return { rule: { case: "andRules", value: { rules: condition.of.map(toPermission) } } };
    case "some":
      return { rule: { case: "orRules", value: { rules: condition.of.map(toPermission) } } };
    case "path":
      return { rule: { case: "urlPath", value: { rule: { case: "path", value: stringMatcher(condition.match) } } } };
    case "pathTemplate": {
      const typedConfig = anyOf(UriTemplateMatchConfigSchema, { pathTemplate: condition.template });
      return { rule: { case: "uriTemplate", value: { name: "uri-template", typedConfig } } };
    }
    case "destinationIp":
      return { rule: { case: "destinationIp", value: range(condition.network) } };
    case "destinationPort":
      return { rule: { case: "destinationPort", value: condition.port } };
    case "sni":
      return { rule: { case: "requestedServerName", value: stringMatcher(condition.match) } };
    case "metadata":
      return { rule: { case: "metadata", value: metadataMatcher(condition) } };
    case "identity":
    case "directRemoteIp":
    case "remoteIp":
      throw new TypeError(`${condition.kind} is no permission of Envoy's`);
    case "everyHeader":
      return toPermission(everyValue(condition.name, condition.match));
    default:
      return { rule: { case: "header", value: headerOf(condition) } };
  }
}

/** @throws TypeError for a condition that Envoy knows of destinations alone */
export function toPrincipal(condition: Condition): Principal {
  switch (condition.kind) {
    case "any":
      return { identifier: { case: "any", value: true } };
    case "not":
      return { identifier: { case: "notId", value: toPrincipal(condition.of) } };
    case "all":
      return { identifier: { case: "andIds", value: { ids: condition.of.map(toPrincipal) } } };
    case "some":
      return { identifier: { case: "orIds", value: { ids: condition.of.map(toPrincipal) } } };
    case "identity":
      return { identifier: { case: "authenticated", value: { principalName: stringMatcher(condition.match) } } };
    case "directRemoteIp":
      return { identifier: { case: "directRemoteIp", value: range(condition.network) } };
    case "remoteIp":
      return { identifier: { case: "remoteIp", value: range(condition.network) } };
    case "metadata":
      return { identifier: { case: "metadata", value: metadataMatcher(condition) } };
    case "path":
    case "pathTemplate":
    case "destinationIp":
    case "destinationPort":
    case "sni":
      throw new TypeError(`${condition.kind} is no principal of Envoy's`);
    case "everyHeader":
      return toPrincipal(everyValue(condition.name, condition.match));
    default:
      return { identifier: { case: "header", value: headerOf(condition) } };
  }
}

/**
 * Envoy says only whether some value of a header matches. A request whose header has a further value must not pass by the first one, so
 * no value may be another text.
 */
function everyValue(name: string, match: TextMatch): Condition {
  const some: Condition = { kind: "headerValue", name, match };
  const other = otherThan(match);
  if (other === undefined) return some;
  return allOf([some, { kind: "not", of: { kind: "headerValue", name, match: { regex: other } } }]);
}

type HeaderCondition = Extract<
  Condition,
  { kind: "headerPresent" | "headerValue" | "someHeader" | "method" | "host" | "hostInAnyForm" }
>;

function headerOf(condition: HeaderCondition): Header {
  switch (condition.kind) {
    case "headerPresent":
      return present(condition.name);
    case "headerValue":
      return header(condition.name, condition.match);
    case "someHeader":
      return header(condition.name, { regex: listWithItem(condition.match) });
    case "method":
      return header(":method", condition.match);
    case "host":
      return header(":authority", condition.match);
    case "hostInAnyForm":
      return header(
        ":authority",
        "present" in condition.match ? condition.match : { regex: hostInAnyForm(condition.match) },
      );
  }
}

function present(name: string): Header {
  return { name, headerMatchSpecifier: { case: "presentMatch", value: true } };
}

function header(name: string, match: TextMatch): Header {
  if ("present" in match && name.startsWith(":")) return present(name);
  return { name, headerMatchSpecifier: { case: "stringMatch", value: stringMatcher(match) } };
}

function stringMatcher(match: TextMatch): StringMatcher {
  const ignoreCase = "ignoreCase" in match && match.ignoreCase === true;
  if ("exact" in match) return { ignoreCase, matchPattern: { case: "exact", value: match.exact } };
  if ("prefix" in match) return { ignoreCase, matchPattern: { case: "prefix", value: match.prefix } };
  if ("suffix" in match) return { ignoreCase, matchPattern: { case: "suffix", value: match.suffix } };
  const regex = "regex" in match ? match.regex : "(?s).+";
  return { matchPattern: { case: "safeRegex", value: { regex } } };
}

function metadataMatcher({
  filter,
  path,
  value,
}: Extract<Condition, { kind: "metadata" }>): MessageInitShape<typeof MetadataMatcherSchema> {
  return {
    filter,
    path: path.map((key) => ({ segment: { case: "key", value: key } })),
    value: valueMatcher(value),
  };
}

function valueMatcher(value: ValueMatch): ValueMatcher {
  if ("text" in value) return { matchPattern: { case: "stringMatch", value: stringMatcher(value.text) } };
  if ("oneOf" in value)
    return { matchPattern: { case: "orMatch", value: { valueMatchers: value.oneOf.map(valueMatcher) } } };
  const item = valueMatcher({ text: value.listWith });
  return { matchPattern: { case: "listMatch", value: { matchPattern: { case: "oneOf", value: item } } } };
}

function range({ addressPrefix, prefixLen }: Cidr) {
  return { addressPrefix, prefixLen };
}
