import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RouteMatchSchema } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import { labelsMatch } from "@xebec/model-names";
import type { HttpMatch, HttpRoute } from "@xebec/model-resources";
import type { ProxyClass } from "../scope/proxy-class.ts";
import { claimMatcher, claimOf } from "../security/jwt-claims.ts";
import { headerMatcher, queryMatcher, stringMatcher } from "./string-match.ts";

type RouteMatch = MessageInitShape<typeof RouteMatchSchema>;

/** Where routes are made for: a sidecar's port (`mesh`) or a Gateway's server. */
export interface RouteBinding {
  /** `mesh`, or the Gateways (`<ns>/<name>`) that the server belongs to. */
  readonly gateways: ReadonlySet<string>;
  readonly port: number;
}

/** Says whether a match may apply here: its gateways or source, and its port, are decided now and never reach Envoy. */
export function appliesHere(
  match: HttpMatch,
  binding: RouteBinding,
  proxyClass: ProxyClass,
  resolve: (gateway: string) => string,
): boolean {
  if (match.port !== undefined && match.port !== binding.port) return false;
  if (match.gateways?.length) return match.gateways.some((each) => binding.gateways.has(resolve(each)));
  if (!labelsMatch(match.sourceLabels, proxyClass.labels)) return false;
  return match.sourceNamespace === undefined || match.sourceNamespace === proxyClass.namespace;
}

/** Translates one match; an absent one matches everything (docs/reference/pilot.md §3.1). */
export function routeMatch(match: HttpMatch | undefined): RouteMatch {
  if (!match) return { pathSpecifier: { case: "prefix", value: "/" } };
  const headers = [
    ...(match.scheme ? [headerMatcher(":scheme", match.scheme)] : []),
    ...(match.method ? [headerMatcher(":method", match.method)] : []),
    ...(match.authority ? [headerMatcher(":authority", match.authority)] : []),
    ...headersOf(match.headers).map(([name, value]) => headerMatcher(name, value)),
    ...headersOf(match.withoutHeaders).map(([name, value]) => headerMatcher(name, value, true)),
  ];
  const claims = [...claimsOf(match.headers, false), ...claimsOf(match.withoutHeaders, true)];
  return {
    pathSpecifier: pathOf(match),
    headers,
    ...(claims.length > 0 ? { dynamicMetadata: claims } : {}),
    queryParameters: sorted(match.queryParams).map(([name, value]) => queryMatcher(name, value)),
    ...(match.ignoreUriCase && match.uri?.regex === undefined ? { caseSensitive: false } : {}),
  };
}

type Headers = HttpMatch["headers"];

/** The headers themselves: names may stand for claims of tokens, too. */
function headersOf(map: Headers) {
  return sorted(map).filter(([name]) => !claimOf(name));
}

function claimsOf(map: Headers, invert: boolean) {
  return sorted(map).flatMap(([name, value]) => {
    const claim = claimOf(name);
    return claim ? claimMatcher(claim, stringMatcher(value), invert) : [];
  });
}

function pathOf({ uri }: HttpMatch): RouteMatch["pathSpecifier"] {
  if (uri?.exact !== undefined) return { case: "path", value: uri.exact };
  if (uri?.regex !== undefined && uri.regex !== "*") return { case: "safeRegex", value: { regex: uri.regex } };
  return { case: "prefix", value: uri?.prefix ?? "/" };
}

function sorted<T>(map: Readonly<Record<string, T>> | undefined): [string, T][] {
  return Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** True for a match that takes every request, so that nothing after it is ever used. */
export function isCatchAll(match: HttpMatch | undefined): boolean {
  if (!match) return true;
  const everyPath = !match.uri || match.uri.prefix === "/" || match.uri.regex === ".*" || match.uri.regex === "*";
  const conditions = [match.headers, match.withoutHeaders, match.queryParams].some(
    (each) => Object.keys(each ?? {}).length > 0,
  );
  return everyPath && !conditions && !match.scheme && !match.method && !match.authority;
}

/** The name of a route: `<rule>[.<match>]`. */
export function routeName(rule: HttpRoute, match: HttpMatch | undefined): string {
  return [rule.name, match?.name].filter(Boolean).join(".");
}
