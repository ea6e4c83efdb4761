import type { Any } from "@bufbuild/protobuf/wkt";
import { anyOf } from "@xebec/api-envoy";
import { JwtAuthenticationSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/jwt_authn/v3/config";
import {
  type AuthenticationPolicy,
  authenticationPolicyOf,
  type PolicyTarget,
  type RequestAuthentication,
  requestAuthenticationsOf,
} from "@xebec/pilot-snapshot";
import type { Built, BuiltHttpFilter } from "../../build/built.ts";
import type { Scope } from "../../scope/scope.ts";
import { JWT_FILTER } from "../../security/jwt-claims.ts";
import { discoveredFilter } from "./discovered-filter.ts";
import type { HttpFilter } from "./http-filter.ts";
import { originsConfig, originsOf } from "./jwt-origins.ts";
import { jwtProvider } from "./jwt-provider.ts";
import { tokenIfPresent } from "./jwt-requirement.ts";

/**
 * Verifies the tokens of requests: RequestAuthentications (docs/reference/pilot.md §3.8). It is there where one selects the proxy. Its
 * configuration comes by discovery: keys change often, and a changed listener would close its connections. Where none is, a Policy of Istio
 * 1.1 may ask for tokens.
 */
export const jwtAuthn: HttpFilter = {
  name: JWT_FILTER,
  phase: "authentication",
  listener(scope, { kind, target }) {
    if (kind === "outbound") return undefined;
    const policies = policiesOf(scope);
    if (policies.length === 0) return target && originsFilter(scope, target);
    return {
      ...discoveredFilter(JWT_FILTER, [JwtAuthenticationSchema.typeName]),
      configKeys: policies.map(({ key }) => key),
    };
  },
  extensionConfig(scope, name) {
    if (name.startsWith(ORIGINS)) {
      const policy = originsPolicy(scope, targetIn(name));
      return policy && { name, ...originsConfig(scope, policy) };
    }
    if (name !== JWT_FILTER) return undefined;
    const policies = policiesOf(scope);
    return policies.length === 0 ? undefined : { name, ...configOf(scope, policies) };
  },
};

/** Names of the entry where a Policy of Istio 1.1 asks for tokens: it may ask for others at each port. */
const ORIGINS = `${JWT_FILTER}/`;

function originsFilter(scope: Scope, target: PolicyTarget): BuiltHttpFilter | undefined {
  const policy = originsPolicy(scope, target);
  if (!policy) return undefined;
  const { name, port, portName } = target;
  const entry = discoveredFilter(`${ORIGINS}${name}/${port}/${portName}`, [JwtAuthenticationSchema.typeName]);
  return { ...entry, configKeys: [policy.key] };
}

function targetIn(entry: string): PolicyTarget {
  const [name = "", port, portName = ""] = entry.slice(ORIGINS.length).split("/");
  return { name, port: Number(port), portName };
}

/** The Policy of Istio 1.1 for a port that asks for tokens. */
function originsPolicy(scope: Scope, target: PolicyTarget): AuthenticationPolicy | undefined {
  const policy = scope.read(authenticationPolicyOf, scope.proxyClass.namespace, target);
  return policy && originsOf(policy).length > 0 ? policy : undefined;
}

/** The policies for the proxies of the class that accept some token. */
function policiesOf(scope: Scope): readonly RequestAuthentication[] {
  return scope.read(requestAuthenticationsOf, scope.proxyClass).filter(({ spec }) => spec.jwtRules?.length);
}

function configOf(scope: Scope, policies: readonly RequestAuthentication[]): Built<Any> {
  const rules = policies
    .flatMap(({ spec }) => spec.jwtRules ?? [])
    .sort((a, b) => compare(a.issuer ?? "", b.issuer ?? ""));
  const names = rules.map((_, i) => `origins-${i}`);
  const message = anyOf(JwtAuthenticationSchema, {
    providers: Object.fromEntries(rules.map((rule, i) => [names[i] as string, jwtProvider(scope, rule)])),
    rules: [
      {
        match: { pathSpecifier: { case: "prefix", value: "/" } },
        requirementType: { case: "requires", value: tokenIfPresent(names) },
      },
    ],
    bypassCorsPreflight: true,
  });
  return { message, configKeys: policies.map(({ key }) => key) };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
