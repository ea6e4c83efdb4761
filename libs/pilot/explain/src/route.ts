import { type Json, list, object, string, strings } from "@xebec/pilot-proxy-config";
import { matchesHeader, matchesMetadataValue, matchesRegex, matchesString, metadataAt } from "./matchers.ts";
import { headerOf, metadataOf, pathOnly, type RequestToExplain } from "./request.ts";

/** The virtual host of a table that takes a host: exact names first, then the longest wildcards (envoy.config.route.v3). */
export function virtualHostFor(table: Json, request: RequestToExplain): Json | undefined {
  const ignorePort = table.ignore_port_in_host_matching === true;
  const host = (ignorePort ? request.host.replace(/:\d+$/, "") : request.host).toLowerCase();
  let best: { readonly rank: number; readonly host: Json } | undefined;
  for (const each of list(table.virtual_hosts))
    for (const domain of strings(each.domains)) {
      const rank = rankOf(domain.toLowerCase(), host);
      if (rank > (best?.rank ?? 0)) best = { rank, host: each };
    }
  return best?.host;
}

const [EXACT, SUFFIX, PREFIX, ANY] = [3e6, 2e6, 1e6, 1];

function rankOf(domain: string, host: string): number {
  if (domain === "*") return ANY;
  if (domain === host) return EXACT;
  // A wildcard stands for at least one character.
  if (domain.startsWith("*") && host.length >= domain.length && host.endsWith(domain.slice(1)))
    return SUFFIX + domain.length;
  if (domain.endsWith("*") && host.length >= domain.length && host.startsWith(domain.slice(0, -1)))
    return PREFIX + domain.length;
  return 0;
}

/** The first route of a virtual host that takes a request. @param tls whether the connection came with TLS */
export function routeFor(virtualHost: Json, request: RequestToExplain): Json | undefined {
  return list(virtualHost.routes).find(({ match }) => matchesRoute(object(match) ?? {}, request));
}

function matchesRoute(match: Json, request: RequestToExplain): boolean {
  return (
    matchesPath(match, request) &&
    list(match.headers).every((each) => matchesHeader(each, (name) => headerOf(request, name))) &&
    list(match.query_parameters).every((each) => matchesParameter(each, request.path)) &&
    list(match.dynamic_metadata).every((each) => {
      const matched = matchesMetadataValue(each.value, metadataAt(metadataOf(request), each));
      return matched !== (each.invert === true);
    })
  );
}

function matchesPath(match: Json, request: RequestToExplain): boolean {
  const isConnect = request.method === "CONNECT";
  if (match.connect_matcher !== undefined) return isConnect;
  if (isConnect) return false;
  const fold = (text: string): string => (match.case_sensitive === false ? text.toLowerCase() : text);
  const path = fold(pathOnly(request.path));
  if (match.path !== undefined) return path === fold(string(match.path));
  if (match.path_separated_prefix !== undefined) {
    const prefix = fold(string(match.path_separated_prefix));
    return path === prefix || path.startsWith(`${prefix}/`);
  }
  if (match.safe_regex !== undefined) return matchesRegex(match.safe_regex, pathOnly(request.path));
  return path.startsWith(fold(string(match.prefix)));
}

function matchesParameter(matcher: Json, path: string): boolean {
  const query = /\?([^#]*)/s.exec(path)?.[1] ?? "";
  const name = string(matcher.name);
  const found = query.split("&").find((each) => each.split("=", 1)[0] === name);
  if (matcher.string_match === undefined) return (found !== undefined) === (matcher.present_match !== false);
  return found !== undefined && matchesString(matcher.string_match, found.slice(name.length + 1));
}
