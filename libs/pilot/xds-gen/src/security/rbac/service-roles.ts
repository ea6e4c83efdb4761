import {
  type AccessRule,
  type ConditionKey,
  type ConstraintKey,
  conditionKey,
  constraintKey,
  type RbacSubject,
} from "@xebec/model-resources";
import { type ServiceRbac, serviceRbacOf } from "@xebec/pilot-snapshot";
import type { CalledService } from "../../filter/connection.ts";
import type { Scope } from "../../scope/scope.ts";
import { ANY, allOf, type Condition, NEVER, type RbacPolicy, type RbacRules, someOf, textMatch } from "./condition.ts";
import { conditionMaker, header } from "./fields.ts";
import { claim, principal } from "./identities.ts";

// Istio 1.1's roles (docs/reference/pilot.md §3.14): who has none that allows a request must not make it.

/**
 * The rules of the roles for a service.
 * @param forTcp for connections without HTTP
 * @returns undefined for a service that asks for no role
 */
export function serviceRoleRules(scope: Scope, service: CalledService, forTcp: boolean): RbacRules | undefined {
  return scope.cached(`rbac/${forTcp ? "tcp" : "http"}/roles/${service.host}`, (inner) => {
    const rbac = inner.read(serviceRbacOf, service);
    return rbac && rulesOf(inner, rbac, service, forTcp);
  });
}

function rulesOf(scope: Scope, { config, roles }: ServiceRbac, service: CalledService, forTcp: boolean): RbacRules {
  const isPermissive = config.spec.enforcementMode === "PERMISSIVE";
  const [enforced, shadow]: [RbacPolicy[], RbacPolicy[]] = [[], []];
  const configKeys = new Set([config.key]);
  for (const { role, bindings } of roles) {
    const permissions = role.spec.rules.flatMap((rule) => permissionOf(scope, rule, service, forTcp) ?? []);
    if (permissions.length === 0) continue;
    // Of a binding that says something of HTTP nobody knows what is left of it without.
    if (forTcp && bindings.some(({ spec }) => spec.subjects.some(saysHttp))) continue;
    for (const [list, mode] of [
      [enforced, "ENFORCED"],
      [shadow, "PERMISSIVE"],
    ] as const) {
      const own = bindings.filter(({ spec }) => (spec.mode ?? "ENFORCED") === mode);
      const principals = own.flatMap(({ spec }) => spec.subjects.map((each) => subjectOf(each, service.namespace)));
      if (principals.length === 0) continue;
      list.push({ name: role.name, permissions, principals });
      for (const { key } of [role, ...own]) configKeys.add(key);
    }
  }
  const common = { action: "ALLOW", configKeys: [...configKeys] } as const;
  if (isPermissive) return { ...common, shadow: merged([...enforced, ...shadow]) };
  return { ...common, enforced, ...(shadow.length > 0 ? { shadow } : {}) };
}

/** One policy for each role. */
function merged(policies: readonly RbacPolicy[]): RbacPolicy[] {
  const byName = new Map<string, RbacPolicy>();
  for (const each of policies) {
    const former = byName.get(each.name);
    byName.set(each.name, former ? { ...each, principals: [...former.principals, ...each.principals] } : each);
  }
  return [...byName.values()];
}

/** @returns undefined for a rule that is not for the service */
function permissionOf(scope: Scope, rule: AccessRule, service: CalledService, forTcp: boolean): Condition | undefined {
  const { services, methods = [], paths = [], constraints = [] } = rule;
  if (!isOneOf(service.host, services)) return undefined;
  const known = constraints.map(({ key, values }) => ({ key: constraintKey(key), values }));
  if (!known.every(({ key, values }) => isOfService(scope, key, values, service))) return undefined;
  const isHttp = methods.length + paths.length > 0 || known.some(({ key }) => key?.attribute === "header");
  if (forTcp && isHttp) return undefined;
  const oneOf = (values: readonly string[], make: (value: string) => Condition): Condition[] =>
    values.length > 0 ? [someOf(values.map(make))] : [];
  return allOf([
    ...oneOf(methods, (value) => ({ kind: "method", match: textMatch(value) })),
    ...oneOf(paths, (value) => ({ kind: "path", match: textMatch(value) })),
    ...known.flatMap(({ key, values }) => {
      if (!key) return [NEVER];
      if (isStatic(key)) return [];
      return oneOf(values, (value) => conditionMaker(key as ConditionKey, service.namespace)(value, false));
    }),
  ]);
}

const STATIC: ReadonlySet<string> = new Set(["label", "serviceName", "serviceNamespace", "serviceAccount"]);
const isStatic = ({ attribute }: ConstraintKey): boolean => STATIC.has(attribute);

/** Whether a constraint on the service or its workload holds; others are looked at for each request. */
function isOfService(
  { proxyClass }: Scope,
  key: ConstraintKey | undefined,
  values: readonly string[],
  service: CalledService,
): boolean {
  switch (key?.attribute) {
    case "label": {
      const { labels } = proxyClass;
      return Object.hasOwn(labels, key.name) && isOneOf(labels[key.name] as string, values);
    }
    case "serviceName":
      return isOneOf(service.name, values);
    case "serviceNamespace":
      return isOneOf(service.namespace, values);
    case "serviceAccount":
      return isOneOf(proxyClass.serviceAccount ?? "", values);
    default:
      return true;
  }
}

function isOneOf(text: string, patterns: readonly string[]): boolean {
  return patterns.some((each) => {
    if (each === "*" || each === text) return true;
    if (each.startsWith("*")) return text.endsWith(each.slice(1));
    return each.endsWith("*") && text.startsWith(each.slice(0, -1));
  });
}

const HTTP_PROPERTY = /^request\./;

function saysHttp({ group, properties = {} }: RbacSubject): boolean {
  return Boolean(group) || Object.keys(properties).some((each) => HTTP_PROPERTY.test(each));
}

/** A caller: everything that is said of it must hold. */
function subjectOf({ user, group, properties = {} }: RbacSubject, namespace: string): Condition {
  const conditions = [
    ...(user ? [user === "*" ? ANY : principal(user)] : []),
    ...(group ? [claim(["groups"], [group])] : []),
    ...Object.entries(properties)
      // The user goes before the property of the same meaning.
      .filter(([key]) => !(key === "source.principal" && user))
      .map(([key, value]) => propertyOf(key, value, namespace)),
  ];
  return conditions.length === 0 ? NEVER : allOf(conditions);
}

/** Attributes of the caller that Istio 1.1 has. */
const PROPERTIES: ReadonlySet<ConditionKey["attribute"]> = new Set<ConditionKey["attribute"]>([
  ...(["sourceIp", "sourceNamespace", "sourcePrincipal", "header", "claim"] as const),
  ...(["requestPrincipal", "requestAudiences", "requestPresenter"] as const),
]);

function propertyOf(key: string, value: string, namespace: string): Condition {
  const known = conditionKey(key);
  if (!known || !PROPERTIES.has(known.attribute)) return NEVER;
  if (known.attribute === "header") return header(known.name, value, false);
  return conditionMaker(known, namespace)(value, false);
}
