import { BlockList, isIPv6 } from "node:net";
import type { Cidr } from "../../listener/cidr.ts";
import type { Condition, RbacPolicy, RbacRules, TextMatch, ValueMatch } from "./condition.ts";

/** What conditions look at: a request as the RBAC filters see it, or a connection. */
export interface Facts {
  /** Absent for a connection without HTTP. */
  readonly http?: {
    readonly method: string;
    /** Normalized, with its query. */
    readonly path: string;
    readonly authority: string;
    /** Names in lower case, in the order in which they came; repeated ones several times. */
    readonly headers: readonly (readonly [name: string, value: string])[];
  };
  readonly destination: { readonly ip: string; readonly port: number };
  readonly sni: string;
  /** Names in the client's certificate; none without mutual TLS. */
  readonly identities: readonly string[];
  /** The peer of the connection. */
  readonly directRemoteIp: string;
  /** The original client. */
  readonly remoteIp: string;
  /** Dynamic metadata by filter. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** What rules say of a request, and by which policy. */
export interface Verdict {
  readonly allowed: boolean;
  /** The name of the policy that denied or allowed it; absent where no policy matched. */
  readonly policy?: string;
}

/**
 * Evaluates rules as Envoy's RBAC filters do, one after the other. Rules in shadow do not count.
 * @param rules in the order of the filters
 */
export function decide(rules: readonly RbacRules[], facts: Facts): Verdict {
  let allowedBy: string | undefined;
  for (const { action, enforced } of rules) {
    if (!enforced || action === "LOG") continue;
    const policy = enforced.find((each) => policyMatches(each, facts));
    if (action === "DENY" && policy) return { allowed: false, policy: policy.name };
    if (action === "ALLOW" && !policy) return { allowed: false };
    if (action === "ALLOW") allowedBy = policy?.name;
  }
  return { allowed: true, ...(allowedBy === undefined ? {} : { policy: allowedBy }) };
}

/** True when a permission and a principal of the policy match. */
export function policyMatches({ permissions, principals }: RbacPolicy, facts: Facts): boolean {
  return permissions.some((each) => matches(each, facts)) && principals.some((each) => matches(each, facts));
}

/** Whether a condition holds. */
export function matches(condition: Condition, facts: Facts): boolean {
  const { http } = facts;
  switch (condition.kind) {
    case "any":
      return true;
    case "not":
      return !matches(condition.of, facts);
    case "all":
      return condition.of.every((each) => matches(each, facts));
    case "some":
      return condition.of.some((each) => matches(each, facts));
    case "headerPresent":
      return valuesOf(facts, condition.name).length > 0;
    case "headerValue":
      return valuesOf(facts, condition.name).some((value) => textMatches(condition.match, value));
    case "everyHeader": {
      const values = valuesOf(facts, condition.name);
      return values.length > 0 && values.every((value) => textMatches(condition.match, value));
    }
    case "someHeader":
      return valuesOf(facts, condition.name).some((value) =>
        [value, ...value.split(",")].some((item) => textMatches(condition.match, item.trim())),
      );
    case "method":
      return http !== undefined && textMatches(condition.match, http.method);
    case "host":
      return http !== undefined && textMatches(condition.match, http.authority);
    case "hostInAnyForm":
      return http !== undefined && hostForms(http.authority).some((each) => textMatches(condition.match, each));
    case "path":
      return http !== undefined && textMatches(condition.match, pathOf(http.path));
    case "pathTemplate":
      return http !== undefined && templateMatches(condition.template, pathOf(http.path));
    case "destinationIp":
      return isIn(condition.network, facts.destination.ip);
    case "destinationPort":
      return condition.port === facts.destination.port;
    case "sni":
      return textMatches(condition.match, facts.sni);
    case "identity":
      return facts.identities.some((each) => textMatches(condition.match, each));
    case "directRemoteIp":
      return isIn(condition.network, facts.directRemoteIp);
    case "remoteIp":
      return isIn(condition.network, facts.remoteIp);
    case "metadata":
      return valueMatches(condition.value, valueAt(facts.metadata[condition.filter], condition.path));
  }
}

function valuesOf({ http }: Facts, name: string): string[] {
  const wanted = name.toLowerCase();
  if (wanted === ":authority" || wanted === "host") return http ? [http.authority] : [];
  if (wanted === ":method") return http ? [http.method] : [];
  if (wanted === ":path") return http ? [http.path] : [];
  return (http?.headers ?? []).filter(([each]) => each === wanted).map(([, value]) => value);
}

function pathOf(path: string): string {
  return path.replace(/[?#].*$/s, "");
}

/** A host as it is, and without what may be left out of it. */
function hostForms(authority: string): string[] {
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  const [, name = "", port = ""] = /^(.*?)(:\d*)?$/s.exec(host) ?? [];
  const bare = name.replace(/\.$/, "");
  return [authority, host, name, bare, `${bare}${port}`];
}

/** `*` is a segment, `**` any number of characters. */
function templateMatches(template: string, path: string): boolean {
  const [wanted, given] = [template.split("/"), path.split("/")];
  for (const [i, each] of wanted.entries()) {
    const segment = given[i];
    // What is open is the last one but for a text behind it.
    if (each === "**")
      return (
        segment !== undefined &&
        `/${given.slice(i).join("/")}`.endsWith(
          wanted
            .slice(i + 1)
            .map((rest) => `/${rest}`)
            .join(""),
        )
      );
    if (segment === undefined || (each === "*" ? segment === "" : segment !== each)) return false;
  }
  return wanted.length === given.length;
}

function textMatches(match: TextMatch, text: string): boolean {
  if ("present" in match) return text !== "";
  if ("regex" in match) return patternMatches(match.regex, text);
  const fold = (each: string): string => ("ignoreCase" in match && match.ignoreCase ? each.toLowerCase() : each);
  if ("exact" in match) return fold(text) === fold(match.exact);
  return "prefix" in match ? fold(text).startsWith(fold(match.prefix)) : fold(text).endsWith(fold(match.suffix));
}

/** Expressions of `identities.ts`: texts with `.*` between them are compared piece by piece, which takes no more than linear time. */
function patternMatches(regex: string, text: string): boolean {
  const pieces = regex.split(".*");
  if (pieces.some((each) => /(^|[^\\])[.*+?^${}()|[\]]/.test(each))) return new RegExp(`^(?:${regex})$`).test(text);
  const texts = pieces.map((each) => each.replace(/\\(.)/g, "$1"));
  const [first = "", last = ""] = [texts[0], texts.at(-1)];
  if (texts.length === 1) return text === first;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let from = first.length;
  for (const piece of texts.slice(1, -1)) {
    const at = text.indexOf(piece, from);
    if (at < 0) return false;
    from = at + piece.length;
  }
  return from <= text.length - last.length;
}

function isIn({ addressPrefix, prefixLen }: Cidr, ip: string): boolean {
  const family = isIPv6(addressPrefix) ? "ipv6" : "ipv4";
  if ((isIPv6(ip) ? "ipv6" : "ipv4") !== family) return false;
  const list = new BlockList();
  list.addSubnet(addressPrefix, prefixLen, family);
  return list.check(ip, family);
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (found, key) =>
      found !== null && typeof found === "object" && !Array.isArray(found) && Object.hasOwn(found, key)
        ? (found as Readonly<Record<string, unknown>>)[key]
        : undefined,
    value,
  );
}

function valueMatches(match: ValueMatch, value: unknown): boolean {
  if ("oneOf" in match) return match.oneOf.some((each) => valueMatches(each, value));
  if ("text" in match) return typeof value === "string" && textMatches(match.text, value);
  return Array.isArray(value) && value.some((each) => valueMatches({ text: match.listWith }, each));
}
