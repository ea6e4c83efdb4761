import { TrafficDirection } from "@xebec/api-envoy/envoy/config/core/v3/base";
import { canonicalHost, isHttp, narrowerHost, protocolByName, resolveShortName } from "@xebec/model-names";
import type { GatewayServer } from "@xebec/model-resources";
import { byAge, type Gateway, type VirtualService } from "@xebec/pilot-snapshot";
import type { BuiltListener } from "../../build/built.ts";
import type { EncodedResource } from "../../encode/encoded.ts";
import { assemble, encode } from "../../route/route-table.ts";
import { routesOf, type VirtualHostPart } from "../../route/virtual-host.ts";
import type { Scope } from "../../scope/scope.ts";
import type { ServiceTarget, Workload } from "../../scope/workload.ts";
import { ANY_TRANSPORT, ANYWHERE, filterChains } from "../chain.ts";
import { socketAddress } from "../socket-address.ts";

interface BoundServer {
  readonly gateway: Gateway;
  readonly server: GatewayServer;
}

/** A host of a router's port: the VirtualServices that have it, each with the Gateways that it came by. */
interface SharedHost {
  readonly owners: Map<VirtualService, Set<string>>;
  redirect: boolean;
  readonly serverPort: number;
}

/** The plaintext HTTP servers of a router, by the port that they are bound to; what does not fit together is left out. */
function serversByPort(scope: Scope, targets: readonly ServiceTarget[]): Map<number, BoundServer[]> {
  const byPort = new Map<number, BoundServer[]>();
  for (const gateway of scope.gateways())
    for (const server of gateway.spec.servers) {
      const protocol = protocolByName(server.port.protocol);
      if (!protocol || !isHttp(protocol)) continue;
      const port =
        targets.find((target) => target.servicePort === server.port.number)?.targetPort ?? server.port.number;
      byPort.set(port, [...(byPort.get(port) ?? []), { gateway, server }]);
    }
  return byPort;
}

/** The listeners of a router (docs/reference/pilot.md §3.3): one for each port, all plaintext HTTP servers of it together. */
export function gatewayListeners(scope: Scope, { binding, targets }: Workload): BuiltListener[] {
  if (binding.mode !== "gateway") return [];
  const { address } = binding;
  return [...serversByPort(scope, targets)].map(([port, servers]) => {
    const name = `${address}_${port}`;
    const configKeys = [...new Set(servers.map(({ gateway }) => gateway.key))];
    return {
      name,
      message: {
        address: socketAddress(address, port),
        ...(scope.proxyClass.interception === "NONE" ? { enableReusePort: false } : {}),
        trafficDirection: TrafficDirection.OUTBOUND,
      },
      filterChains: filterChains(scope, {
        matches: ANYWHERE,
        transports: ANY_TRANSPORT,
        connection: {
          protocol: "http",
          kind: "gateway",
          statPrefix: `outbound_${name}`,
          routes: { rds: `http.${port}` },
          grpcWeb: servers.some(({ server }) => protocolByName(server.port.protocol) === "GRPC-Web"),
        },
        configKeys,
      }),
      configKeys,
    };
  });
}

/** The route table `http.<port>` of a router: a virtual host for each host that a server and a VirtualService share. */
export function gatewayRouteTable(scope: Scope, name: string, targets: readonly ServiceTarget[]): EncodedResource {
  const port = Number(/^http\.(\d+)$/.exec(name)?.[1]);
  const parts = [...eachHost(scope, port, targets)].filter((part) => part !== undefined);
  if (parts.length === 0) parts.push({ name: `blackhole:${port}`, domains: ["*"], routes: [], configKeys: [] });
  return assemble(name, parts, { ignorePort: true });
}

/** Makes what a router's route tables are put together from, one virtual host at each step. */
export function* gatewayHosts(scope: Scope, targets: readonly ServiceTarget[]): Generator<undefined> {
  for (const port of serversByPort(scope, targets).keys())
    for (const part of eachHost(scope, port, targets)) {
      if (part) encode(part);
      yield;
    }
}

function* eachHost(
  scope: Scope,
  port: number,
  targets: readonly ServiceTarget[],
): Generator<VirtualHostPart | undefined> {
  const all = scope.cached(`gateway-hosts/${JSON.stringify([port, targets])}`, (inner) => {
    const hosts = sharedHosts(inner, port, targets);
    return [...hosts].map(([host, shared]) => ({ host, shared, name: partName(host, shared) }));
  });
  // All that decides about it is in its name or read by the part; the owners' own rules are what their hosts depend on.
  for (const { host, shared, name } of all)
    yield scope.cached(name, (inner) => {
      for (const owner of shared.owners.keys()) inner.dependsOn(owner);
      return hostPart(inner, host, shared);
    });
}

function partName(host: string, { owners, redirect, serverPort }: SharedHost): string {
  const by = [...owners].map(([owner, gateways]) => [owner.key, [...gateways].sort()]);
  return `gateway-vhost/${JSON.stringify([host, serverPort, redirect, by])}`;
}

/** The hosts of a router's port: what its servers and VirtualServices have in common. */
function sharedHosts(scope: Scope, port: number, targets: readonly ServiceTarget[]): ReadonlyMap<string, SharedHost> {
  const servers = serversByPort(scope, targets).get(port) ?? [];
  const hosts = new Map<string, SharedHost>();
  for (const { gateway, server } of servers) {
    const id = `${gateway.namespace}/${gateway.name}`;
    for (const owner of scope.gatewayRoutes(gateway))
      for (const host of owner.hosts)
        for (const given of server.hosts) {
          const narrow = attachedHost(given, gateway, owner, host, scope.mesh.domain);
          if (narrow === undefined) continue;
          const entry = hosts.get(narrow) ?? { owners: new Map(), redirect: false, serverPort: server.port.number };
          entry.owners.set(owner, (entry.owners.get(owner) ?? new Set()).add(id));
          entry.redirect ||= server.tls?.httpsRedirect === true;
          hosts.set(narrow, entry);
        }
    if (server.tls?.httpsRedirect)
      for (const given of server.hosts) {
        const host = given.split("/").at(-1) as string;
        if (!hosts.has(host)) hosts.set(host, { owners: new Map(), redirect: true, serverPort: server.port.number });
      }
  }
  return hosts;
}

function hostPart(
  scope: Scope,
  host: string,
  { owners: attached, redirect, serverPort }: SharedHost,
): VirtualHostPart | undefined {
  // The oldest first, whichever Gateway it came by.
  const owners = [...attached.keys()].sort(byAge);
  const configKeys: string[] = [];
  const routes = owners.flatMap((owner) => {
    const own = routesOf(scope, owner, { gateways: attached.get(owner) ?? new Set(), port: serverPort });
    if (own.length > 0) configKeys.push(owner.key);
    return own;
  });
  // Several VirtualServices for a host: every catch-all goes behind the specific routes of all of them.
  const sorted =
    owners.length > 1 ? [...routes.filter((each) => !catchesAll(each)), ...routes.filter(catchesAll)] : routes;
  if (sorted.length === 0 && !redirect) return undefined;
  return { name: `${host}:${serverPort}`, domains: [host], routes: sorted, configKeys, requireTls: redirect };
}

function catchesAll(route: VirtualHostPart["routes"][number]): boolean {
  const { match } = route;
  const path = match?.pathSpecifier;
  const everyPath =
    (path?.case === "prefix" && path.value === "/") || (path?.case === "safeRegex" && path.value.regex === ".*");
  return everyPath && !match?.headers?.length && !match?.queryParameters?.length;
}

/** The host that a server (`[namespace/]host`) and a VirtualService have in common, when the server lets it attach. */
function attachedHost(
  given: string,
  gateway: Gateway,
  owner: VirtualService,
  host: string,
  domain: string,
): string | undefined {
  const slash = given.indexOf("/");
  const namespace = slash === -1 ? "*" : given.slice(0, slash);
  if (namespace !== "*" && owner.namespace !== (namespace === "." ? gateway.namespace : namespace)) return undefined;
  const wide = canonicalHost(
    resolveShortName(slash === -1 ? given : given.slice(slash + 1), gateway.namespace, domain),
  );
  return narrowerHost(wide, host);
}
