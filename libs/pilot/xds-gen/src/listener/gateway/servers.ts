import { canonicalHost, isHttp, isTls, narrowerHost, protocolByName } from "@xebec/model-names";
import type { GatewayServer } from "@xebec/model-resources";
import type { Gateway } from "@xebec/pilot-snapshot";
import type { Scope } from "../../scope/scope.ts";
import type { Workload } from "../../scope/workload.ts";

/** A server, and the Gateway that it belongs to. */
export interface BoundServer {
  readonly gateway: Gateway;
  readonly server: GatewayServer;
  /** Its place in the Gateway. */
  readonly index: number;
  /** The name of the route table for its requests; undefined for a server of connections. */
  readonly routes: string | undefined;
}

/** What all servers of a port have in common: requests in plaintext share their chain, TLS is told apart by SNI, bytes are one server's. */
export type PortFamily = "http" | "tls" | "tcp";

/** A port of a router with all of its servers, the oldest Gateway's first. */
export interface GatewayPort {
  readonly family: PortFamily;
  /** Of the server, or the router's own; `unix:///PATH` for a socket. */
  readonly address: string;
  /** Zero for a socket. */
  readonly port: number;
  readonly servers: readonly BoundServer[];
}

/** A server that an older one leaves no room for. */
export interface LeftOutServer extends Pick<BoundServer, "gateway" | "server" | "index"> {
  /** As `path: why`. */
  readonly reason: string;
}

export interface MergedServers {
  readonly ports: readonly GatewayPort[];
  readonly leftOut: readonly LeftOutServer[];
}

const NO_SERVERS: MergedServers = { ports: [], leftOut: [] };

/**
 * The servers of all Gateways that select a router, merged by port as Istio merges them (docs/reference/pilot.md §3.3): what does not fit
 * to an older server on the same port is left out.
 */
export function mergedServers(scope: Scope, router: Workload): MergedServers {
  return scope.cachedFor("gateway-servers", router, merged);
}

/** The servers whose requests go by a route table. */
export function serversOf(scope: Scope, router: Workload, routes: string): readonly BoundServer[] {
  return mergedServers(scope, router).ports.flatMap((each) => each.servers.filter((one) => one.routes === routes));
}

/** The names of all route tables of a router. */
export function routeNames(scope: Scope, router: Workload): readonly string[] {
  const servers = mergedServers(scope, router).ports.flatMap((each) => each.servers);
  return [...new Set(servers.flatMap(({ routes }) => routes ?? []))];
}

/** A server's name for users, in the condition of another one. */
export function serverText({ gateway, server }: Pick<BoundServer, "gateway" | "server">): string {
  return `${gateway.namespace}/${gateway.name} (port ${server.port.name})`;
}

type MutablePort = Omit<GatewayPort, "servers"> & { readonly servers: BoundServer[] };

function merged(scope: Scope, { binding, targets }: Workload): MergedServers {
  if (binding.mode !== "gateway") return NO_SERVERS;
  const ports = new Map<string, MutablePort>();
  const leftOut: LeftOutServer[] = [];
  for (const gateway of scope.gateways())
    for (const [index, server] of gateway.spec.servers.entries()) {
      const family = familyOf(server);
      if (!family) continue;
      const address = server.bind || binding.address;
      const number = server.port.number ?? 0;
      const port = targets.find((target) => target.servicePort === number)?.targetPort ?? number;
      const found = ports.get(`${address} ${port}`) ?? { family, address, port, servers: [] };
      const reason = conflict(found, family, server);
      if (reason) {
        leftOut.push({ gateway, server, index, reason: `spec.servers[${index}].${reason}` });
        continue;
      }
      ports.set(`${address} ${port}`, found);
      found.servers.push({ gateway, server, index, routes: routesOf(gateway, server, port) });
    }
  return { ports: [...ports.values()], leftOut };
}

function familyOf({ port: { protocol: text } }: GatewayServer): PortFamily | undefined {
  const protocol = protocolByName(text);
  if (!protocol || protocol === "UDP") return undefined;
  if (isHttp(protocol)) return "http";
  return isTls(protocol) ? "tls" : "tcp";
}

/** Why a server cannot be on a port, as `path: why`; undefined when it can. */
function conflict({ family, servers }: MutablePort, wanted: PortFamily, server: GatewayServer): string | undefined {
  const [first] = servers;
  if (!first) return undefined;
  if (family !== wanted)
    return `port: ${serverText(first)} has this port already, for protocol ${first.server.port.protocol}`;
  if (family === "http") return undefined;
  if (family === "tcp") return `port: ${serverText(first)} has this port already; only one server can take its bytes`;
  for (const host of sniHosts(server)) {
    const older = servers.find((each) => sniHosts(each.server).includes(host));
    if (older) return `hosts: ${serverText(older)} has the host ${host} on this port already`;
  }
  return undefined;
}

/** The name of the route table of a server (docs/reference/pilot.md §3.3); undefined for one without requests. */
function routesOf(gateway: Gateway, { port, tls, bind }: GatewayServer, boundTo: number): string | undefined {
  const protocol = protocolByName(port.protocol);
  const suffix = bind ? `.${bind}` : "";
  if (protocol && isHttp(protocol)) return `http.${boundTo}${suffix}`;
  if (protocol !== "HTTPS" || passesThrough(tls)) return undefined;
  return `https.${port.number}.${port.name}.${gateway.name}.${gateway.namespace}${suffix}`;
}

/** True when TLS is not terminated. */
export function passesThrough(tls: GatewayServer["tls"]): boolean {
  const mode = tls?.mode ?? "PASSTHROUGH";
  return mode === "PASSTHROUGH" || mode === "AUTO_PASSTHROUGH";
}

/** The hosts of a server without the namespaces of VirtualServices. */
export function sniHosts({ hosts }: GatewayServer): readonly string[] {
  const names = new Set(hosts.map((each) => canonicalHost(each.slice(each.indexOf("/") + 1))));
  return [...names];
}

/** The server names that a chain matches for these hosts; undefined for every one. */
export function serverNames(hosts: readonly string[]): readonly string[] | undefined {
  return hosts.includes("*") ? undefined : hosts;
}

/** The host that a server (`[namespace/]host`) and one of another object have in common, when the server takes that namespace. */
export function sharedHost(
  given: string,
  gateway: Gateway,
  owner: { readonly namespace: string },
  host: string,
): string | undefined {
  const slash = given.indexOf("/");
  const namespace = slash === -1 ? "*" : given.slice(0, slash);
  if (namespace !== "*" && owner.namespace !== (namespace === "." ? gateway.namespace : namespace)) return undefined;
  return narrowerHost(canonicalHost(given.slice(slash + 1)), host);
}
