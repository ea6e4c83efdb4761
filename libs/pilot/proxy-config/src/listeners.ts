import { type ConfigDump, type Json, list, object, string, strings, typeOf } from "./dump.ts";
import { addressOf } from "./names.ts";
import { describeRouteMatch } from "./routes.ts";
import { byText, type Shown, sorted } from "./table.ts";

/** Which listeners to show; every part that is given must fit. */
export interface ListenerFilter {
  readonly address?: string;
  readonly port?: number;
  /** HTTP, TCP, HTTP+TCP or UNKNOWN. */
  readonly type?: string;
  /** A line for each filter chain; otherwise one for each listener with its type, as istioctl 1.1 prints. True when absent. */
  readonly verbose?: boolean;
}

const HTTP_CONNECTION_MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const TCP_PROXY = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
/** Clusters that are known by their whole name. */
const BARE_CLUSTERS = /Cluster$/;
/** The application protocols that Istio's listeners match, by how istioctl abbreviates them. */
const PROTOCOL_LISTS: ReadonlyMap<string, string> = new Map([
  ["http/1.0,http/1.1,h2c", "App: HTTP"],
  ["http/1.1,h2c", "App: HTTP"],
  ["istio-http/1.0,istio-http/1.1,istio-h2", "App: HTTP TLS"],
  ["istio,istio-peer-exchange,istio-http/1.0,istio-http/1.1,istio-h2", "App: TCP TLS"],
  ["istio-peer-exchange,istio", "App: TCP TLS"],
  ["istio", "App: TCP TLS"],
]);

/** `istioctl proxy-config listeners` (docs/reference/pilot.md §8.2). */
export function showListeners({ listeners }: ConfigDump, filter: ListenerFilter = {}): Shown {
  const chosen = listeners
    .map((listener) => ({ listener, ...addressOf(listener.address), type: typeOfListener(listener) }))
    .filter(({ host, port, type }) => {
      if (filter.address !== undefined && host.toLowerCase() !== filter.address.toLowerCase()) return false;
      if (filter.port !== undefined && port !== String(filter.port)) return false;
      return filter.type === undefined || type === filter.type.toUpperCase();
    });
  const lines = sorted(
    chosen,
    ({ port }) => Number(port),
    ({ host }) => host,
    ({ type }) => type,
  );
  const addresses = (listener: Json, host: string): string =>
    [host, ...list(listener.additional_addresses).map((each) => addressOf(each.address).host)].join(",");
  return {
    header: filter.verbose === false ? ["ADDRESSES", "PORT", "TYPE"] : ["ADDRESSES", "PORT", "MATCH", "DESTINATION"],
    rows: lines.flatMap(({ listener, host, port, type }) =>
      filter.verbose === false
        ? [[addresses(listener, host), port, type]]
        : filterChains(listener)
            .map((chain) => [
              addresses(listener, host),
              port,
              describeMatch(object(chain.filter_chain_match) ?? {}),
              describeDestination(chain),
            ])
            // As istioctl: a listener's chains by where they lead, backwards.
            .sort(([, , , a = ""], [, , , b = ""]) => byText(b, a)),
    ),
    type: "envoy.config.listener.v3.Listener",
    resources: chosen.map(({ listener }) => listener),
  };
}

function filterChains(listener: Json): readonly Json[] {
  const last = object(listener.default_filter_chain);
  return [...list(listener.filter_chains), ...(last ? [last] : [])];
}

function describeMatch(match: Json): string {
  const parts: string[] = [];
  const names = strings(match.server_names);
  if (names.length > 0) parts.push(`SNI: ${names.join(",")}`);
  if (match.transport_protocol) parts.push(`Trans: ${string(match.transport_protocol)}`);
  const protocols = strings(match.application_protocols).join(",");
  if (protocols) parts.push(PROTOCOL_LISTS.get(protocols) ?? `App: ${protocols}`);
  const port = match.destination_port === undefined ? "" : `:${string(match.destination_port)}`;
  const ranges = list(match.prefix_ranges).map(
    (each) => `${string(each.address_prefix)}/${string(each.prefix_len) || "0"}${port}`,
  );
  if (ranges.length > 0) parts.push(`Addr: ${ranges.join(",")}`);
  else if (port) parts.push(`Addr: *${port}`);
  return parts.length > 0 ? parts.join("; ") : "ALL";
}

function describeDestination(chain: Json): string {
  for (const filter of list(chain.filters).toReversed()) {
    const config = object(filter.typed_config);
    if (!config) continue;
    if (typeOf(config) === HTTP_CONNECTION_MANAGER) return describeHttp(config);
    if (typeOf(config) === TCP_PROXY) return describeTcp(config);
  }
  return "Non-HTTP/Non-TCP";
}

function describeHttp(config: Json): string {
  const rds = object(config.rds);
  if (rds) return `Route: ${string(rds.route_config_name)}`;
  const hosts = list(object(config.route_config)?.virtual_hosts);
  const all = clusterOfAll(hosts);
  if (all) return describeClusters([all]);
  const described = hosts.map((host) => {
    const domains = strings(host.domains).join("/");
    const matches = new Set(list(host.routes).map((route) => describeRouteMatch(object(route.match) ?? {})));
    return `${domains === "*" || domains === "" ? "" : `${domains} `}${[...matches].join(", ")}`;
  });
  return `Inline Route: ${described.join("; ")}`;
}

/** The cluster of a table whose one route takes every request, as those of inbound listeners; empty for any other table. */
function clusterOfAll([host, ...others]: readonly Json[]): string {
  const [route, ...more] = list(host?.routes);
  if (others.length > 0 || more.length > 0 || strings(host?.domains).join() !== "*") return "";
  return object(route?.match)?.prefix === "/" ? string(object(route?.route)?.cluster) : "";
}

function describeTcp(config: Json): string {
  const weighted = list(object(config.weighted_clusters)?.clusters).map((each) => string(each.name));
  const names = weighted.length > 0 ? weighted : [string(config.cluster)];
  return describeClusters(names);
}

function describeClusters(names: readonly string[]): string {
  return names.every((name) => BARE_CLUSTERS.test(name)) ? names.join(",") : `Cluster: ${names.join(",")}`;
}

function typeOfListener(listener: Json): string {
  let [http, tcp] = [false, false];
  for (const chain of filterChains(listener))
    for (const { typed_config } of list(chain.filters)) {
      if (typeOf(typed_config) === HTTP_CONNECTION_MANAGER) http = true;
      // Requests for addresses that nobody knows do not make a listener one for TCP.
      else if (typeOf(typed_config) === TCP_PROXY && !string(object(typed_config)?.cluster).includes("BlackHole"))
        tcp = true;
    }
  if (http && tcp) return "HTTP+TCP";
  return http ? "HTTP" : tcp ? "TCP" : "UNKNOWN";
}
