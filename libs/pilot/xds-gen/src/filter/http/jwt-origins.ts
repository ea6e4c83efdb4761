import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { anyOf } from "@xebec/api-envoy";
import type { HeaderMatcherSchema } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import {
  JwtAuthenticationSchema,
  type RequirementRuleSchema,
} from "@xebec/api-envoy/envoy/extensions/filters/http/jwt_authn/v3/config";
import type { PolicyJwt } from "@xebec/model-resources";
import type { AuthenticationPolicy } from "@xebec/pilot-snapshot";
import type { Built } from "../../build/built.ts";
import type { Scope } from "../../scope/scope.ts";
import { jwtProvider } from "./jwt-provider.ts";
import { ANYTHING, anyRequirement, type JwtRequirement, tokenOf } from "./jwt-requirement.ts";

type PathMatchers = MessageInitShape<typeof HeaderMatcherSchema>[];
type RequirementRule = MessageInitShape<typeof RequirementRuleSchema>;
type PathMatch = NonNullable<NonNullable<PolicyJwt["triggerRules"]>[number]["includedPaths"]>[number];

/** The tokens that a policy asks for. */
export function originsOf({ spec }: AuthenticationPolicy): readonly PolicyJwt[] {
  return (spec.origins ?? []).flatMap(({ jwt }) => jwt ?? []);
}

/**
 * What a Policy of Istio 1.1 asks of requests: a valid token of one of the origins that the path triggers (docs/reference/pilot.md
 * §3.14). The original token goes on to the server.
 */
export function originsConfig(scope: Scope, policy: AuthenticationPolicy): Built<Any> {
  const origins = originsOf(policy).map((jwt, i) => ({ jwt, name: `origins-${i}`, ways: waysOf(jwt) }));
  const providers = origins.map(({ jwt, name }) => {
    const { issuer, audiences = [], jwks, jwksUri, jwtHeaders = [], jwtParams = [] } = jwt;
    const keys = { ...(jwks ? { jwks } : {}), ...(jwksUri ? { jwksUri } : {}) };
    const places = { fromHeaders: jwtHeaders.map((each) => ({ name: each })), fromParams: jwtParams };
    return [name, jwtProvider(scope, { issuer, audiences, ...keys, ...places, forwardOriginalToken: true })] as const;
  });
  const rules: RequirementRule[] = [];
  // Envoy takes the first rule that fits: those of many origins stand before those of fewer.
  for (const subset of subsets(origins).sort((a, b) => b.length - a.length)) {
    const requirement = requirementOf(
      subset.map(({ name }) => name),
      policy.spec.originIsOptional ?? false,
    );
    for (const headers of product(subset.map(({ ways }) => ways)))
      rules.push({
        match: { pathSpecifier: { case: "prefix", value: "/" }, headers },
        requirementType: { case: "requires", value: requirement },
      });
  }
  const message = anyOf(JwtAuthenticationSchema, {
    ...{ providers: Object.fromEntries(providers), rules, bypassCorsPreflight: true },
  });
  return { message, configKeys: [policy.key] };
}

function requirementOf(names: readonly string[], isOptional: boolean): JwtRequirement {
  return anyRequirement([...names.map(tokenOf), ...(isOptional ? [ANYTHING] : [])]);
}

/** All subsets but the empty one. */
function subsets<T>(list: readonly T[]): T[][] {
  let found: T[][] = [[]];
  for (const each of list) found = found.concat(found.map((some) => [...some, each]));
  return found.slice(1);
}

function product(lists: readonly PathMatchers[][]): PathMatchers[] {
  return lists.reduce<PathMatchers[]>(
    (found, ways) => found.flatMap((before) => ways.map((way) => [...before, ...way])),
    [[]],
  );
}

/** The ways in which a path triggers an origin; one without conditions when every path does. */
function waysOf({ triggerRules = [] }: PolicyJwt): PathMatchers[] {
  if (triggerRules.length === 0) return [[]];
  return triggerRules.flatMap(({ excludedPaths = [], includedPaths = [] }) => {
    const excluded = excludedPaths.map((each) => pathMatcher(each, true));
    return includedPaths.length === 0
      ? [excluded]
      : includedPaths.map((each) => [pathMatcher(each, false), ...excluded]);
  });
}

/** A path without its query. */
function pathMatcher({ exact, prefix, suffix, regex }: PathMatch, invertMatch: boolean): PathMatchers[number] {
  const query = "(\\?.*)?";
  const text =
    exact !== undefined
      ? quoted(exact)
      : prefix !== undefined
        ? `${quoted(prefix)}[^?]*`
        : suffix !== undefined
          ? `[^?]*${quoted(suffix)}`
          : `(?:${regex})`;
  return {
    ...{ name: ":path", invertMatch },
    headerMatchSpecifier: {
      case: "stringMatch",
      value: { matchPattern: { case: "safeRegex", value: { regex: `${text}${query}` } } },
    },
  };
}

function quoted(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
