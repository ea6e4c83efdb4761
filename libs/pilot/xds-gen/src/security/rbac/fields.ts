import {
  type AuthorizationCondition,
  type AuthorizationOperation,
  type AuthorizationSource,
  type ConditionKey,
  conditionKey,
  isHttpOnly,
  isPathTemplate,
} from "@xebec/model-resources";
import { cidrOf } from "../../listener/cidr.ts";
import { allOf, type Condition, NEVER, type RbacAction, someOf, textMatch, type ValueMatch } from "./condition.ts";
import { claim, inTrustDomains, ofNamespace, ofServiceAccount, principal, requestPrincipal } from "./identities.ts";

/** What rules are translated for. */
export interface RuleContext {
  readonly action: RbacAction;
  /** For connections without HTTP. */
  readonly forTcp: boolean;
  /** The policy's own namespace. */
  readonly namespace: string;
  /** The mesh's own trust domain, then its aliases. */
  readonly trustDomains: readonly string[];
}

/** A field of a rule: one of its values must match, and none of its other values. */
export interface Field {
  readonly values: readonly string[];
  readonly notValues: readonly string[];
  readonly isHttpOnly: boolean;
  /**
   * @param broad whether to match everything that may mean the same as a value. It is set where a match leads to a refusal: nobody may
   * evade it by another form of the same request
   */
  readonly make: (value: string, broad: boolean) => Condition;
}

const field = (
  values: readonly string[] | undefined,
  notValues: readonly string[] | undefined,
  make: Field["make"],
  httpOnly = false,
): Field[] =>
  values?.length || notValues?.length
    ? [{ values: values ?? [], notValues: notValues ?? [], isHttpOnly: httpOnly, make }]
    : [];

const direct = (value: string): Condition => ({ kind: "directRemoteIp", network: cidrOf(value) });
const remote = (value: string): Condition => ({ kind: "remoteIp", network: cidrOf(value) });
const port = (value: string): Condition => ({ kind: "destinationPort", port: Number(value) });

/** The fields of a `source`. */
export function sourceFields(source: AuthorizationSource, { namespace, trustDomains }: RuleContext): Field[] {
  const principals = (list: readonly string[] | undefined) => list && inTrustDomains(list, trustDomains);
  return [
    ...field(principals(source.principals), principals(source.notPrincipals), principal),
    ...field(source.requestPrincipals, source.notRequestPrincipals, requestPrincipal, true),
    ...field(source.serviceAccounts, source.notServiceAccounts, (value) => ofServiceAccount(value, namespace)),
    ...field(source.namespaces, source.notNamespaces, ofNamespace),
    ...field(source.remoteIpBlocks, source.notRemoteIpBlocks, remote),
    ...field(source.ipBlocks, source.notIpBlocks, direct),
  ];
}

/** The fields of an `operation`. */
export function operationFields(operation: AuthorizationOperation): Field[] {
  return [
    ...field(operation.hosts, operation.notHosts, host, true),
    ...field(operation.methods, operation.notMethods, (value) => ({ kind: "method", match: textMatch(value) }), true),
    ...field(operation.paths, operation.notPaths, path, true),
    ...field(operation.ports, operation.notPorts, port),
  ];
}

function host(value: string, broad: boolean): Condition {
  return { kind: broad ? "hostInAnyForm" : "host", match: textMatch(value, { ignoreCase: true }) };
}

/** A path, or a template in which `{*}` is a segment and `{**}` is any number of them. */
export function path(value: string): Condition {
  if (!isPathTemplate(value)) return { kind: "path", match: textMatch(value) };
  return { kind: "pathTemplate", template: value.replaceAll("{*}", "*").replaceAll("{**}", "**") };
}

/** A header; `*` is any value, also an empty one. */
export function header(name: string, value: string, broad: boolean): Condition {
  if (value === "*") return { kind: "headerPresent", name };
  return { kind: broad ? "someHeader" : "everyHeader", name, match: textMatch(value) };
}

/** True for an attribute of what is called; all others are attributes of the caller. */
export function isOfDestination({ attribute }: ConditionKey): boolean {
  return ["destinationIp", "destinationPort", "sni", "metadata"].includes(attribute);
}

/** A condition of `when`. */
export function conditionField(
  { key, values = [], notValues = [] }: AuthorizationCondition,
  { namespace, trustDomains }: RuleContext,
): { readonly key: ConditionKey; readonly fields: readonly Field[] } {
  const known = conditionKey(key);
  // Validation refuses others. A condition that nobody knows must not be left out.
  if (!known) return { key: { attribute: "sourceIp" }, fields: field(values, notValues, () => NEVER) };
  const principals = known.attribute === "sourcePrincipal";
  const [own, others] = [values, notValues].map((list) => (principals ? inTrustDomains(list, trustDomains) : list));
  return { key: known, fields: field(own, others, conditionMaker(known, namespace), isHttpOnly(known)) };
}

/** What makes a condition on an attribute of a value. @param namespace of a service account without one */
export function conditionMaker(key: ConditionKey, namespace: string): Field["make"] {
  switch (key.attribute) {
    case "header":
      return (value, broad) => header(key.name, value, broad);
    case "inlineHeader":
      return (value) =>
        value === "*"
          ? { kind: "headerPresent", name: key.name }
          : { kind: "someHeader", name: key.name, match: textMatch(value) };
    case "claim":
      return (value) => claim(key.path, [value]);
    case "metadata":
      return (value) => ({ kind: "metadata", filter: key.filter, path: [key.path], value: metadataValue(value) });
    case "sourceIp":
      return direct;
    case "remoteIp":
      return remote;
    case "sourceNamespace":
      return ofNamespace;
    case "sourceServiceAccount":
      return (value) => ofServiceAccount(value, namespace);
    case "sourcePrincipal":
      return principal;
    case "requestPrincipal":
      return requestPrincipal;
    case "requestAudiences":
      return (value) => claim(["aud"], [value]);
    case "requestPresenter":
      return (value) => claim(["azp"], [value]);
    case "destinationIp":
      return (value) => ({ kind: "destinationIp", network: cidrOf(value) });
    case "destinationPort":
      return port;
    case "sni":
      return (value) => ({ kind: "sni", match: textMatch(value) });
  }
}

/** `[TEXT]` is a list that has the text. */
function metadataValue(value: string): ValueMatch {
  return value.startsWith("[") && value.endsWith("]")
    ? { listWith: textMatch(value.slice(1, -1)) }
    : { text: textMatch(value) };
}

/** The condition of fields that must all match. */
export function conditionOf(fields: readonly Field[], { action, forTcp }: RuleContext): Condition {
  const isAllow = action === "ALLOW";
  return allOf(
    fields
      // What connections without HTTP do not have is left out, so that more of them are refused.
      .filter((each) => !(forTcp && each.isHttpOnly))
      .flatMap(({ values, notValues, make }) => [
        ...(values.length > 0 ? [someOf(values.map((value) => make(value, !isAllow)))] : []),
        ...(notValues.length > 0
          ? [{ kind: "not", of: someOf(notValues.map((value) => make(value, isAllow))) } as const]
          : []),
      ]),
  );
}
