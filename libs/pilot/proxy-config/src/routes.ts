import { type ConfigDump, type Json, list, object, string, strings } from "./dump.ts";
import { sourceObject } from "./names.ts";
import { type Shown, sorted } from "./table.ts";

/** Which route tables to show, and how. */
export interface RouteFilter {
  readonly name?: string;
  /** A line for each route; otherwise one for each table, with its number of virtual hosts. True when absent. */
  readonly verbose?: boolean;
}

const SHOWN_DOMAINS = 2;
const PASSTHROUGH = "PassthroughCluster";

/** `istioctl proxy-config routes` (docs/reference/pilot.md §8.2). */
export function showRoutes({ routes }: ConfigDump, filter: RouteFilter = {}): Shown {
  const chosen = sorted(
    routes.filter(({ name }) => filter.name === undefined || name === filter.name),
    ({ name }) => Number(name) || Number.MAX_SAFE_INTEGER,
  );
  const full = { type: "envoy.config.route.v3.RouteConfiguration", resources: chosen };
  if (filter.verbose === false)
    return {
      header: ["NAME", "VIRTUAL HOSTS"],
      rows: chosen.map((table) => [string(table.name), String(list(table.virtual_hosts).length)]),
      ...full,
    };
  return {
    header: ["NAME", "VHOST NAME", "DOMAINS", "MATCH", "VIRTUAL SERVICE"],
    rows: chosen.flatMap((table) => list(table.virtual_hosts).flatMap((host) => rowsOf(string(table.name), host))),
    ...full,
  };
}

function rowsOf(table: string, host: Json): string[][] {
  const head = [table, string(host.name), describeDomains(strings(host.domains))];
  const routes = list(host.routes);
  if (routes.length === 0) return [[...head, "/*", "404"]];
  return routes
    .filter((each) => string(object(each.route)?.cluster) !== PASSTHROUGH)
    .map((each) => [...head, describeRouteMatch(object(each.match) ?? {}), sourceObject(each)]);
}

/** The domains without those that only add a port or a suffix to another one; of many, the first two. */
function describeDomains(domains: readonly string[]): string {
  if (domains.length < 2) return domains[0] ?? "";
  const all = new Set(domains);
  const isLonger = (domain: string): boolean =>
    [".svc.cluster.local", ".svc", "."].some(
      (suffix) => domain.endsWith(suffix) && all.has(domain.slice(0, -suffix.length)),
    );
  const withoutPort = domains.filter((domain) => !/:\d+$/.test(domain) && !isLonger(domain));
  const named = withoutPort.length > 0 ? withoutPort : domains;
  const shown = named.slice(0, SHOWN_DOMAINS).join(", ");
  const more = named.length - SHOWN_DOMAINS;
  return more > 0 ? `${shown} + ${more} more...` : shown;
}

/** What a route matches: its path, then methods, headers and parameters. */
export function describeRouteMatch(match: Json): string {
  const parts = [describePath(match)];
  for (const header of list(match.headers)) parts.push(describeCondition(header, string(header.name)));
  for (const parameter of list(match.query_parameters))
    parts.push(describeCondition(parameter, `?${string(parameter.name)}`));
  return parts.filter(Boolean).join(" ");
}

function describePath(match: Json): string {
  if (match.prefix !== undefined) return `${string(match.prefix)}*`;
  if (match.path !== undefined) return string(match.path);
  if (match.path_separated_prefix !== undefined) return `PathPrefix:${string(match.path_separated_prefix)}`;
  const regex = object(match.safe_regex);
  if (regex) return `regex ${string(regex.regex)}`;
  return match.connect_matcher === undefined ? "" : "CONNECT";
}

function describeCondition(condition: Json, name: string): string {
  const text = object(condition.string_match);
  const not = condition.invert_match === true ? "!" : "";
  if (!text) return condition.present_match === false ? `!${name}` : `${not}${name}`;
  if (text.exact !== undefined) return `${not}${name}=${string(text.exact)}`;
  if (text.prefix !== undefined) return `${not}${name}=${string(text.prefix)}*`;
  if (text.suffix !== undefined) return `${not}${name}=*${string(text.suffix)}`;
  return `${not}${name}~${string(object(text.safe_regex)?.regex)}`;
}
