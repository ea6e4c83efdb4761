import { TrafficDirection } from "@xebec/api-envoy/envoy/config/core/v3/base";
import { parseCluster } from "@xebec/model-names";
import type { EnvoyFilterMatch, RouteConfigurationMatch } from "@xebec/model-resources";
import { proxyMatchKey } from "@xebec/pilot-snapshot";
import type { BuiltCluster, BuiltFilterChain, BuiltListener, BuiltRoute, BuiltVirtualHost } from "../../build/built.ts";
import type { Scope } from "../../scope/scope.ts";
import type { CompiledPatch } from "./compiled.ts";
import { isOfGateway } from "./gateway-match.ts";

// What a patch matches (docs/reference/pilot.md §3.6.3, §3.6.5).

type Context = NonNullable<EnvoyFilterMatch["context"]>;

/** Whether a patch is for a class of proxies, and for a direction of traffic. */
export function matchesContext(
  { proxyClass }: Scope,
  { match }: CompiledPatch,
  direction: "inbound" | "outbound",
): boolean {
  if (match.proxy && !proxyClass.patched?.proxies.includes(proxyMatchKey(match.proxy))) return false;
  const wanted: Context = match.context ?? "ANY";
  if (wanted === "ANY") return true;
  if (proxyClass.type === "router") return wanted === "GATEWAY";
  return wanted === (direction === "inbound" ? "SIDECAR_INBOUND" : "SIDECAR_OUTBOUND");
}

/** Whether a patch of what has no direction is for a class of proxies. */
export function matchesProxy(scope: Scope, patch: CompiledPatch): boolean {
  return matchesContext(scope, patch, "inbound") || matchesContext(scope, patch, "outbound");
}

export function matchesCluster(scope: Scope, patch: CompiledPatch, { name, message }: BuiltCluster): boolean {
  const isInbound = name.startsWith("inbound|") || name === "InboundPassthroughCluster";
  if (!matchesContext(scope, patch, isInbound ? "inbound" : "outbound")) return false;
  const { cluster } = patch.match;
  if (!cluster) return true;
  if (cluster.name) return cluster.name === name;
  const parsed = parseCluster(name);
  if (cluster.subset && parsed?.subset !== cluster.subset) return false;
  if (cluster.portNumber && parsed?.port !== cluster.portNumber) return false;
  if (!cluster.service) return true;
  return isInbound ? servicesOf(message).includes(cluster.service) : parsed?.host === cluster.service;
}

/** The hosts that an inbound cluster says it is for. */
function servicesOf({ metadata }: BuiltCluster["message"]): readonly unknown[] {
  const { services } = (metadata?.filterMetadata?.istio ?? {}) as { services?: readonly { host?: unknown }[] };
  return (services ?? []).map(({ host }) => host);
}

const isVirtual = ({ name }: BuiltListener): boolean => name === "virtualInbound" || name === "virtualOutbound";

export function matchesListener(scope: Scope, patch: CompiledPatch, listener: BuiltListener): boolean {
  const isInbound = listener.message.trafficDirection === TrafficDirection.INBOUND;
  if (!matchesContext(scope, patch, isInbound ? "inbound" : "outbound")) return false;
  const { listener: match } = patch.match;
  if (!match) return true;
  if (match.name && match.name !== listener.name) return false;
  if (match.portName && !isOfGateway(scope, portOf(listener), { portName: match.portName })) return false;
  // Ports of virtual listeners stand in the matches of their chains.
  if (!match.portNumber || (patch.applyTo !== "LISTENER" && isVirtual(listener))) return true;
  return portOf(listener) === match.portNumber;
}

function portOf({ message }: BuiltListener): number | undefined {
  const { address } = message.address ?? {};
  if (address?.case !== "socketAddress" || address.value.portSpecifier?.case !== "portValue") return undefined;
  return address.value.portSpecifier.value;
}

/** Whether a patch is for a filter chain, whose listener it is for. */
export function matchesFilterChain(patch: CompiledPatch, listener: BuiltListener, chain: BuiltFilterChain): boolean {
  const { listener: match } = patch.match;
  if (!match) return true;
  const {
    destinationPort,
    serverNames = [],
    transportProtocol = "",
    applicationProtocols = [],
  } = chain.message.filterChainMatch ?? {};
  const port = destinationPort;
  if (match.portNumber && isVirtual(listener) && port !== match.portNumber) return false;
  const { filterChain: wanted } = match;
  if (!wanted) return true;
  if (wanted.name && wanted.name !== chain.name) return false;
  if (wanted.sni && !serverNames.includes(wanted.sni)) return false;
  if (wanted.transportProtocol && wanted.transportProtocol !== transportProtocol) return false;
  if (wanted.destinationPort && wanted.destinationPort !== port) return false;
  const protocols = (wanted.applicationProtocols ?? "").split(",").map((each) => each.trim());
  return !wanted.applicationProtocols || protocols.every((each) => applicationProtocols.includes(each));
}

/** Names that Envoy had before, by those of today. */
const OLD_NAMES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      "buffer",
      "cors",
      "csrf",
      "fault",
      "grpc_http1_bridge",
      "grpc_json_transcoder",
      "grpc_web",
      "gzip",
      "lua",
      "router",
      "squash",
    ].map((each) => [`envoy.${each}`, `envoy.filters.http.${each}`]),
  ),
  "envoy.health_check": "envoy.filters.http.health_check",
  "envoy.ip_tagging": "envoy.filters.http.ip_tagging",
  "envoy.rate_limit": "envoy.filters.http.ratelimit",
  "envoy.http_dynamo_filter": "envoy.filters.http.dynamo",
  ...Object.fromEntries(
    ["client_ssl_auth", "echo", "http_connection_manager", "mongo_proxy", "ratelimit", "redis_proxy", "tcp_proxy"].map(
      (each) => [`envoy.${each}`, `envoy.filters.network.${each}`],
    ),
  ),
  ...Object.fromEntries(
    ["original_dst", "original_src", "tls_inspector", "http_inspector", "proxy_protocol"].flatMap((each) => [
      [`envoy.listener.${each}`, `envoy.filters.listener.${each}`],
    ]),
  ),
};

/** Whether a filter is meant by a name: by today's or an older one, or by what stands before the slash of one of several. */
export function isNamed(filter: string, wanted: string | undefined): boolean {
  if (!wanted) return true;
  const name = OLD_NAMES[wanted] ?? wanted;
  const own = OLD_NAMES[filter] ?? filter;
  return own === name || own.split("/")[0] === name;
}

/** Whether a patch is for a route table. @param name of the table */
export function matchesRouteConfiguration(scope: Scope, patch: CompiledPatch, name: string): boolean {
  const isInbound = name.startsWith("inbound|") || name === "InboundPassthroughCluster";
  if (!matchesContext(scope, patch, isInbound ? "inbound" : "outbound")) return false;
  const { routeConfiguration: match } = patch.match;
  if (!match) return true;
  if (match.name && match.name !== name) return false;
  const port = tablePort(name);
  if (match.portNumber && match.portNumber !== port) return false;
  if (!match.gateway && !match.portName) return true;
  return isOfGateway(scope, port, match);
}

/** `80`, `host:80`, `inbound|80||`, `http.80`, `https.443.name.gateway.namespace`. */
function tablePort(name: string): number | undefined {
  const [, port] = /^(?:inbound\|(?=\d)|https?\.(?=\d)|.*:(?=\d+$))?(\d+)(?:$|[|.])/.exec(name) ?? [];
  return port === undefined ? undefined : Number(port);
}

type VirtualHostMatch = RouteConfigurationMatch["vhost"];

export function matchesVirtualHost(match: VirtualHostMatch, { name, domains }: BuiltVirtualHost): boolean {
  if (match?.name && match.name !== name) return false;
  return !match?.domainName || domains.includes(match.domainName);
}

export function matchesRoute(match: VirtualHostMatch, { message }: BuiltRoute): boolean {
  const { name, action = "ANY" } = match?.route ?? {};
  if (name && name !== message.name) return false;
  if (action === "ANY") return true;
  const found = { route: "ROUTE", redirect: "REDIRECT", directResponse: "DIRECT_RESPONSE" }[
    message.action?.case as string
  ];
  return found === action;
}
