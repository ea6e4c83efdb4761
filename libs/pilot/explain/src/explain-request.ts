import { type ConfigDump, type Json, list, object, string, typeOf } from "@xebec/pilot-proxy-config";
import { type Connection, filterChainFor } from "./filter-chain.ts";
import { normalizedPath } from "./normalize.ts";
import { type Caller, evaluateRbac, type RbacVerdict } from "./rbac.ts";
import type { RequestToExplain } from "./request.ts";
import { routeFor, virtualHostFor } from "./route.ts";

/** A proxy with what its Envoy has. */
export interface ProxyView {
  /** `POD.NAMESPACE`. */
  readonly name: string;
  readonly dump: ConfigDump;
  /** Its SPIFFE identity; empty when it has none. */
  readonly identity: string;
  /** The address of its pod. */
  readonly address: string;
}

/** One station of a request's way. */
export interface Step {
  readonly what:
    | "listener"
    | "filter chain"
    | "filter"
    | "route table"
    | "virtual host"
    | "route"
    | "cluster"
    | "endpoints"
    | "TLS"
    | "policy";
  readonly where: "client" | "server";
  readonly name: string;
  readonly detail: string;
}

/** Where a request ends. */
export interface RequestOutcome {
  readonly steps: readonly Step[];
  /** The status that a proxy gives itself; undefined when the request reaches an application, or no proxy takes it. */
  readonly status: number | undefined;
  /** Whether the request reaches an application, or leaves the mesh. */
  readonly passes: boolean;
  readonly reason: string;
  /** Clusters that the route leads to, with their shares in percent. */
  readonly clusters: readonly { readonly name: string; readonly percent: number }[];
}

const HCM = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const RBAC = "envoy.extensions.filters.http.rbac.v3.RBAC";
const HTTP_PROXY = "http_proxy";

/**
 * Follows a request through the configuration of the proxies that it crosses. Nothing is sent: whoever has the configuration,
 * from Envoy or from pilot's generators, gets the answer of the real proxies.
 * @param serverOf the proxy at an address; undefined when there is none
 */
export async function explainRequest(
  client: ProxyView,
  asked: RequestToExplain,
  serverOf: (address: string) => Promise<ProxyView | undefined>,
): Promise<RequestOutcome> {
  const steps: Step[] = [];
  const end = (
    status: number | undefined,
    reason: string,
    clusters: RequestOutcome["clusters"] = [],
    passes = false,
  ): RequestOutcome => ({ steps, status, passes, reason, clusters });
  const step = (what: Step["what"], name: string, detail = "", where: Step["where"] = "client"): void => {
    steps.push({ what, where, name, detail });
  };
  const found = outboundListener(client.dump, asked);
  if (!found) return end(undefined, `no listener of ${client.name} takes HTTP for port ${asked.port}`);
  const { listener, manager } = found;
  step("listener", string(listener.name));
  const seen = normalized(manager, asked, client.name);
  if ("status" in seen) return end(seen.status, seen.reason);
  const { request } = seen;
  const routed = routeThrough(client.dump, manager, request, step, "client");
  if ("status" in routed) return end(routed.status, routed.reason);
  const fault = faultOf(routed.route);
  if (fault) step("filter", "envoy.filters.http.fault", fault.detail);
  if (fault?.always !== undefined) return end(fault.always, "a fault aborts every such request (FI)");
  const clusters = clustersOf(routed.route);
  const first = clusters.toSorted((a, b) => b.percent - a.percent)[0];
  if (!first) return end(undefined, "the route leads to no cluster");
  const cluster = client.dump.clusters.find((each) => each.name === first.name);
  step(
    "cluster",
    first.name,
    clusters.length > 1 ? clusters.map(({ name, percent }) => `${percent} % ${name}`).join(", ") : sourceOf(cluster),
  );
  if (!cluster) return end(503, `the client has no cluster ${first.name} (NC)`, clusters);
  const endpoints = endpointsOf(client.dump, cluster);
  step("endpoints", endpoints.map(({ address, port, health }) => `${address}:${port}${health}`).join(", ") || "none");
  const target = endpoints.find(({ health }) => health === "");
  if (!target) return end(503, `the cluster ${first.name} has no healthy endpoint (UH)`, clusters);
  const tls = transportOf(cluster, target.metadata);
  step("TLS", tls.name, tls.detail);
  const server = await serverOf(target.address);
  if (!server) return end(undefined, `it leaves the mesh to ${target.address}:${target.port}`, clusters, true);
  const source = sourceAddress(cluster, client, target.address);
  const inbound = followInbound(
    { ...client, address: source },
    server,
    { ...target, tls: tls.isMutual },
    request,
    (what, name, detail) => step(what, name, detail, "server"),
  );
  return end(inbound.status, inbound.reason, clusters, inbound.status === undefined);
}

type Note = (what: Step["what"], name: string, detail?: string) => void;

/** Listener, filter chain, policies and route of the server's proxy. */
function followInbound(
  client: ProxyView,
  server: ProxyView,
  target: { readonly address: string; readonly port: number; readonly tls: boolean },
  request: RequestToExplain,
  note: Note,
): { readonly status: number | undefined; readonly reason: string } {
  const connection: Connection = {
    ...{ address: target.address, port: target.port, tls: target.tls, serverName: "" },
    applicationProtocols: target.tls ? ["istio-h2", "istio", "h2"] : ["http/1.1"],
  };
  const listener =
    server.dump.listeners.find((each) => each.name === `${target.address}_${target.port}`) ??
    server.dump.listeners.find((each) => each.name === "virtualInbound");
  if (!listener) return { status: 503, reason: `nothing listens at ${target.address}:${target.port} (UF)` };
  note("listener", string(listener.name));
  const chain = filterChainFor(listener, connection);
  if (!chain)
    return {
      status: 503,
      reason: `no filter chain of ${server.name} takes ${target.tls ? "TLS" : "plaintext"} for port ${target.port}`,
    };
  note("filter chain", string(chain.name) || (target.tls ? "mutual TLS" : "plaintext"));
  const manager = managerOf(chain);
  if (!manager) return { status: undefined, reason: `${server.name} passes the bytes on` };
  const caller: Caller = {
    identity: target.tls ? client.identity : "",
    ...{ address: client.address, originalAddress: client.address },
    ...{ destinationAddress: target.address, destinationPort: target.port, serverName: "" },
  };
  const seen = normalized(manager, request, server.name);
  if ("status" in seen) return seen;
  for (const { name, rules, shadow } of rbacFilters(server.dump, manager)) {
    const verdict = evaluateRbac(rules, seen.request, caller);
    note("policy", name, describe(verdict, rules, shadow));
    if (!verdict.allowed && !shadow)
      return {
        status: 403,
        reason: verdict.policy ? `${policyOf(verdict.policy)} denies the request` : "no policy allows the request",
      };
  }
  for (const { name, type } of runtimeFilters(server.dump, manager))
    note("filter", name, `${type} may refuse it; not evaluated`);
  const routed = routeThrough(server.dump, manager, seen.request, note, "server");
  return "status" in routed
    ? { status: routed.status, reason: routed.reason }
    : { status: undefined, reason: `${server.name} passes the request to its application` };
}

/** The request as filters and routes of a proxy see it. */
function normalized(
  manager: Json,
  request: RequestToExplain,
  proxy: string,
): { readonly request: RequestToExplain } | { readonly status: number; readonly reason: string } {
  const found = normalizedPath(manager, request.path);
  if (found === "rejected") return { status: 400, reason: `${proxy} refuses the escaped slash in the path` };
  if (found === "redirected") return { status: 307, reason: `${proxy} redirects to the path with its slash unescaped` };
  return { request: { ...request, path: found.path } };
}

function describe(verdict: RbacVerdict, rules: Json, shadow: boolean): string {
  const by = verdict.policy ? ` by ${policyOf(verdict.policy)}` : "";
  return `${shadow ? "dry run: " : ""}${string(rules.action) || "ALLOW"}: ${verdict.allowed ? "allowed" : "denied"}${by}`;
}

function policyOf(name: string): string {
  const found = /^ns\[(.*)\]-policy\[(.*)\]-rule\[(\d+)\]$/.exec(name);
  return found ? `rule ${found[3]} of AuthorizationPolicy ${found[1]}/${found[2]}` : name;
}

/** The rules of the RBAC filters of a connection manager, in order; those that only count are `shadow`. */
function rbacFilters(dump: ConfigDump, manager: Json): { name: string; rules: Json; shadow: boolean }[] {
  return list(manager.http_filters).flatMap((filter) => {
    const name = string(filter.name);
    const config =
      object(filter.typed_config) ?? object(dump.extensions.find((each) => each.name === name)?.typed_config);
    if (typeOf(config) !== RBAC) return [];
    const [rules, shadow] = [object(config?.rules), object(config?.shadow_rules)];
    return [
      ...(rules ? [{ name, rules, shadow: false }] : []),
      ...(shadow ? [{ name, rules: shadow, shadow: true }] : []),
    ];
  });
}

/** Filters that may refuse a request by what only they know. */
const AT_RUN_TIME: Readonly<Record<string, string>> = {
  "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz": "an external authorizer",
  "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication": "the verification of tokens",
  "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit": "a rate limit",
  "envoy.extensions.filters.http.lua.v3.Lua": "a script",
  "envoy.extensions.filters.http.wasm.v3.Wasm": "WebAssembly",
};

function runtimeFilters(dump: ConfigDump, manager: Json): { readonly name: string; readonly type: string }[] {
  return list(manager.http_filters).flatMap((filter) => {
    const name = string(filter.name);
    const config = filter.typed_config ?? dump.extensions.find((each) => each.name === name)?.typed_config;
    const type = AT_RUN_TIME[typeOf(config)];
    if (type === undefined) return [];
    if (!name.startsWith("mixer.check/")) return [{ name, type }];
    // Without a rule for the service the filter is there, and off.
    const { filter_enabled: enabled } = (config ?? {}) as Json;
    if (enabled !== undefined) return [];
    return [
      {
        name,
        type: type === "a script" ? "Mixer's rules, which Envoy decides itself," : "mixer-policy, by Mixer's rules,",
      },
    ];
  });
}

function routeThrough(
  dump: ConfigDump,
  manager: Json,
  request: RequestToExplain,
  note: Note,
  where: Step["where"],
): { readonly route: Json } | { readonly status: number; readonly reason: string } {
  const name = string(object(manager.rds)?.route_config_name);
  const table = object(manager.route_config) ?? dump.routes.find((each) => each.name === name);
  if (!table) return { status: 404, reason: `the proxy has no route table ${name} (NR)` };
  if (name) note("route table", name);
  const host = virtualHostFor(table, request);
  if (!host) return { status: 404, reason: `no virtual host takes ${request.host} (NR)` };
  note("virtual host", string(host.name));
  const route = routeFor(host, request);
  if (!route) return { status: 404, reason: `no route of ${string(host.name)} takes the request (NR)` };
  note("route", string(route.name) || (where === "client" ? "(no name)" : "default"), sourceOf(route));
  const direct = object(route.direct_response);
  if (direct) return { status: Number(direct.status), reason: "the route answers itself" };
  if (route.redirect !== undefined)
    return { status: redirectStatus(object(route.redirect) ?? {}), reason: "the route redirects" };
  return { route };
}

const REDIRECTS: Readonly<Record<string, number>> = {
  ...{ FOUND: 302, SEE_OTHER: 303, TEMPORARY_REDIRECT: 307, PERMANENT_REDIRECT: 308 },
};

function redirectStatus({ response_code }: Json): number {
  return REDIRECTS[string(response_code)] ?? 301;
}

/** The VirtualService or DestinationRule behind a resource. */
function sourceOf(resource: Json | undefined): string {
  const config = string(object(object(object(resource?.metadata)?.filter_metadata)?.istio)?.config);
  const found = /\/namespaces\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(config);
  return found ? `${found[2]} ${found[1]}/${found[3]}` : "";
}

const FRACTIONS: Readonly<Record<string, number>> = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 };

/** Fault injection of a route. `always` is the status of an abort that every request meets; undefined when only some meet it. */
function faultOf(route: Json): { readonly detail: string; readonly always: number | undefined } | undefined {
  const config = object(object(route.typed_per_filter_config)?.["envoy.filters.http.fault"]);
  const [abort, delay] = [object(config?.abort), object(config?.delay)];
  if (!abort && !delay) return undefined;
  const status = abort?.grpc_status === undefined ? Number(abort?.http_status ?? 0) : 200;
  const parts = [
    ...(abort
      ? [
          `aborts ${percentOf(abort)} % with ${abort.grpc_status === undefined ? status : `gRPC status ${string(abort.grpc_status)}`}`,
        ]
      : []),
    ...(delay ? [`delays ${percentOf(delay)} % by ${string(delay.fixed_delay)}`] : []),
  ];
  return { detail: parts.join(", "), always: abort && percentOf(abort) >= 100 ? status : undefined };
}

function percentOf({ percentage }: Json): number {
  const { numerator = 0, denominator } = object(percentage) ?? {};
  return (Number(numerator) * 100) / (FRACTIONS[string(denominator) || "HUNDRED"] ?? 100);
}

function clustersOf(route: Json): { readonly name: string; readonly percent: number }[] {
  const action = object(route.route) ?? {};
  const weighted = list(object(action.weighted_clusters)?.clusters);
  if (weighted.length === 0)
    return action.cluster === undefined ? [] : [{ name: string(action.cluster), percent: 100 }];
  const total = weighted.reduce((sum, each) => sum + Number(each.weight ?? 0), 0);
  return weighted.map((each) => ({
    name: string(each.name),
    percent: total === 0 ? 0 : Math.round((Number(each.weight ?? 0) * 1000) / total) / 10,
  }));
}

interface Endpoint {
  readonly address: string;
  readonly port: number;
  /** Empty when it is healthy. */
  readonly health: string;
  readonly metadata: Json;
}

function endpointsOf(dump: ConfigDump, cluster: Json): Endpoint[] {
  const name = string(object(cluster.eds_cluster_config)?.service_name) || string(cluster.name);
  const assignment = object(cluster.load_assignment) ?? dump.endpoints.find((each) => each.cluster_name === name);
  return list(assignment?.endpoints).flatMap((group) =>
    list(group.lb_endpoints).map((each) => {
      const socket = object(object(object(each.endpoint)?.address)?.socket_address) ?? {};
      const health = string(each.health_status);
      return {
        address: string(socket.address),
        port: Number(socket.port_value ?? 0),
        health: health === "" || health === "HEALTHY" || health === "UNKNOWN" ? "" : ` (${health.toLowerCase()})`,
        metadata: object(object(each.metadata)?.filter_metadata) ?? {},
      };
    }),
  );
}

/** Where the server sees the client. On the loopback network an address that is not bound to is 127.0.0.1. */
function sourceAddress(cluster: Json, client: ProxyView, target: string): string {
  const bound = string(object(object(cluster.upstream_bind_config)?.source_address)?.address);
  return bound || (target.startsWith("127.") ? "127.0.0.1" : client.address);
}

/** The transport socket for an endpoint, by the matches of its cluster. */
function transportOf(
  cluster: Json,
  metadata: Json,
): { readonly name: string; readonly detail: string; readonly isMutual: boolean } {
  const wanted = object(metadata["envoy.transport_socket_match"]) ?? {};
  const match = list(cluster.transport_socket_matches).find((each) =>
    Object.entries(object(each.match) ?? {}).every(([key, value]) => wanted[key] === value),
  );
  const socket = object(match?.transport_socket) ?? object(cluster.transport_socket);
  const config = object(socket?.typed_config);
  if (!socket || typeOf(config).endsWith("raw_buffer.v3.RawBuffer"))
    return { name: "plaintext", detail: "", isMutual: false };
  const common = object(config?.common_tls_context);
  const secret = string(list(common?.tls_certificate_sds_secret_configs)[0]?.name);
  const names = list(
    object(object(common?.combined_validation_context)?.default_validation_context)?.match_typed_subject_alt_names,
  ).map((each) => string(object(each.matcher)?.exact) || JSON.stringify(each.matcher));
  const isMutual = secret === "default";
  return {
    name: isMutual ? "mutual TLS" : "TLS",
    detail: names.length > 0 ? `the server is ${names.join(" or ")}` : "",
    isMutual,
  };
}

/** The listener of the client that takes HTTP for a port: the explicit HTTP proxy, or the one of the port. */
function outboundListener(dump: ConfigDump, request: RequestToExplain): { listener: Json; manager: Json } | undefined {
  const connection: Connection = {
    ...{ address: "", port: request.port, tls: false, serverName: "", applicationProtocols: ["http/1.1"] },
  };
  const found = dump.listeners.flatMap((listener) => {
    const chain = filterChainFor(listener, connection);
    const manager = chain && managerOf(chain);
    return manager?.rds ? [{ listener, manager, table: string(object(manager.rds)?.route_config_name) }] : [];
  });
  const port = String(request.port);
  return (
    found.find(({ table }) => table === port) ??
    found.find(({ table }) => table === `http.${port}` || table.endsWith(`:${port}`)) ??
    found.find(({ table }) => table === HTTP_PROXY)
  );
}

function managerOf(chain: Json): Json | undefined {
  const filter = list(chain.filters).find(({ typed_config }) => typeOf(typed_config) === HCM);
  return object(filter?.typed_config);
}
