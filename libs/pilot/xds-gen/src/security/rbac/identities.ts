import { type Condition, type TextMatch, textMatch, type ValueMatch } from "./condition.ts";
import { quoted } from "./patterns.ts";

const SPIFFE = "spiffe://";
/** What jwt_authn writes of a valid token. */
const JWT = { filter: "envoy.filters.http.jwt_authn", payload: "payload" } as const;

/** A value with `*` anywhere as a regular expression. */
const wildcards = (value: string): string => value.split("*").map(quoted).join(".*");

/** Callers with an identity, `TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT`. */
export function principal(value: string): Condition {
  if (value === "*") return { kind: "identity", match: { present: true } };
  if (value.startsWith("*")) return { kind: "identity", match: { regex: `${SPIFFE}.*${quoted(value.slice(1))}` } };
  return { kind: "identity", match: textMatch(`${SPIFFE}${value}`) };
}

/** Callers of a namespace. */
export function ofNamespace(value: string): Condition {
  return { kind: "identity", match: { regex: `.*/ns/${wildcards(value)}/.*` } };
}

/** Callers with a service account, `NAMESPACE/ACCOUNT` or `ACCOUNT`. @param own the namespace of an account without one */
export function ofServiceAccount(value: string, own: string): Condition {
  const slash = value.indexOf("/");
  const [namespace, account] = slash < 0 ? [own, value] : [value.slice(0, slash), value.slice(slash + 1)];
  const regex = `${SPIFFE}.+/ns/${quoted(namespace)}/(?:.+/)?sa/${quoted(account)}(?:/.+)?`;
  return { kind: "identity", match: { regex } };
}

/**
 * Principals with the trust domain of the mesh also with its aliases, and the other way round, so that a mesh can change its trust domain.
 * Others stay as they are.
 * @param trustDomains the mesh's own, then its aliases
 */
export function inTrustDomains(principals: readonly string[], trustDomains: readonly string[]): string[] {
  return principals.flatMap((each) => {
    const [domain = "", ...rest] = each.split("/");
    // `*/sa/x`, `*` and the like do not say a trust domain.
    if (rest.length !== 4) return [each];
    const known = domain === "cluster.local" || trustDomains.some((own) => isLike(own, domain));
    if (!known) return [each];
    // A domain with a wildcard stays where it covers one of the mesh's.
    const all = trustDomains.map((own) => (domain.startsWith("*") && own.endsWith(domain.slice(1)) ? domain : own));
    return [...new Set(all)].map((own) => [own, ...rest].join("/"));
  });
}

function isLike(text: string, pattern: string): boolean {
  if (pattern === "*" || pattern === text) return true;
  if (pattern.startsWith("*")) return text.endsWith(pattern.slice(1));
  return pattern.endsWith("*") && text.startsWith(pattern.slice(0, -1));
}

/** Requests with a token of an issuer and a subject, `ISSUER/SUBJECT`: the last `/` is between them. */
export function requestPrincipal(value: string): Condition {
  const slash = value.lastIndexOf("/");
  const [iss, sub] = slash < 0 ? [value, ""] : [value.slice(0, slash), value.slice(slash + 1)];
  const token = (issuer: TextMatch, subject: TextMatch): Condition => ({
    kind: "all",
    of: [claimText("iss", issuer), claimText("sub", subject)],
  });
  const any: TextMatch = { present: true };
  if (value === "*") return token(any, any);
  if (value.startsWith("*")) return slash < 0 ? token(any, textMatch(value)) : token(textMatch(iss), { exact: sub });
  if (value.endsWith("*")) return slash < 0 ? token(textMatch(value), any) : token({ exact: iss }, textMatch(sub));
  return token({ exact: iss }, { exact: sub });
}

function claimText(name: string, text: TextMatch): Condition {
  return { kind: "metadata", filter: JWT.filter, path: [JWT.payload, name], value: { text } };
}

/** Requests whose token has a claim with one of these values, or a list with one of them. */
export function claim(path: readonly string[], values: readonly string[]): Condition {
  const texts = values.map((each) => textMatch(each));
  const oneOf: ValueMatch[] = texts.flatMap((text) => [{ text }, { listWith: text }]);
  return { kind: "metadata", filter: JWT.filter, path: [JWT.payload, ...path], value: { oneOf } };
}
