import type { MessageInitShape } from "@bufbuild/protobuf";
import { UInt32ValueSchema } from "@bufbuild/protobuf/wkt";
import { RouteConfigurationSchema } from "@xebec/api-envoy/envoy/config/route/v3/route";
import type { RouteActionSchema, RouteSchema } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import { isHttp } from "@xebec/model-names";
import type { MeshService } from "@xebec/pilot-registry";
import { TUNNEL_CLUSTER } from "../cluster/standard-clusters.ts";
import { appendBytes, BinaryWriter, contentHash, type EncodedResource } from "../encode/encoded.ts";
import { tcpClusters, tcpConfigKeys } from "../listener/outbound/tcp-chains.ts";
import { isAuto, sharesListeners } from "../listener/sniffing.ts";
import { resolutionFor } from "../scope/resolution.ts";
import type { Scope } from "../scope/scope.ts";
import { NO_TIMEOUT } from "./route-timeout.ts";
import {
  domainsOf,
  encodeVirtualHost,
  serviceVirtualHost,
  unknownHostVirtualHost,
  type VirtualHostPart,
} from "./virtual-host.ts";

type RouteInit = MessageInitShape<typeof RouteSchema>;
type ActionInit = MessageInitShape<typeof RouteActionSchema>;

// Field numbers of envoy.config.route.v3.RouteConfiguration.
const fields = RouteConfigurationSchema.field;
const ROUTE_CONFIGURATION = {
  name: fields.name.number,
  virtualHosts: fields.virtualHosts.number,
  validateClusters: fields.validateClusters.number,
  maxDirectResponseBodySizeBytes: fields.maxDirectResponseBodySizeBytes.number,
  ignorePortInHostMatching: fields.ignorePortInHostMatching.number,
};
const UINT32_VALUE = UInt32ValueSchema.field.value.number;
const VARINT = 0;
const MAX_DIRECT_RESPONSE = 1024 * 1024;
/** The port for which hosts that no registry knows get routes too. */
const UNKNOWN_HOSTS_PORT = 80;

export const HTTP_PROXY_ROUTE = "http_proxy";

/** The route table of a sidecar's outbound port: a virtual host for each HTTP service on it (docs/reference/pilot.md §4.3). */
export function outboundRouteTable(scope: Scope, name: string): EncodedResource {
  if (name.includes(":")) return sniffedRouteTable(scope, name);
  const port = Number(name);
  const hosts: VirtualHostPart[] = [];
  const known = new Set<string>();
  for (const service of scope.services()) {
    const match = service.ports.find(
      (each) =>
        each.number === port && (isHttp(each.protocol) || (each.protocol === "Auto" && sharesListeners(service))),
    );
    if (!match) continue;
    known.add(service.host);
    hosts.push(scope.cached(`vhost/${service.host}/${port}`, (inner) => serviceVirtualHost(inner, service, port)));
  }
  if (port === UNKNOWN_HOSTS_PORT) hosts.push(...unknownHosts(scope, known));
  return assemble(name, [...hosts, fallback(scope)], { ignorePort: true });
}

/** The route table `<host>:<port>` of a port without protocol: whoever its clients call, it is this service that they dialled. */
function sniffedRouteTable(scope: Scope, name: string): EncodedResource {
  const colon = name.lastIndexOf(":");
  const port = Number(name.slice(colon + 1));
  const service = scope.service(name.slice(0, colon));
  if (!service || !isAuto(service, port)) return assemble(name, [fallback(scope)], { ignorePort: true });
  const part = scope.cached(`vhost/${service.host}/${port}`, (inner) => serviceVirtualHost(inner, service, port));
  return assemble(name, [{ ...part, domains: ["*"], encoded: undefined }], { ignorePort: true });
}

/**
 * The route table of the explicit HTTP proxy: every HTTP service on every port, called by `host:port`; every other service's
 * port for clients that tunnel to it.
 */
export function httpProxyRouteTable(scope: Scope): EncodedResource {
  const hosts: VirtualHostPart[] = [];
  const known = new Set<string>();
  for (const service of scope.services())
    for (const { number: port, protocol } of service.ports) {
      // What is tunnelled to a port without protocol may be anything; what comes without a tunnel is HTTP.
      if (!isHttp(protocol) && protocol !== "Auto") {
        if (protocol === "UDP" || resolutionFor(scope.proxyClass, service) === "passthrough") continue;
        hosts.push(scope.cached(`proxy-tunnel/${service.host}/${port}`, (inner) => tunnelHost(inner, service, port)));
        continue;
      }
      known.add(service.host);
      hosts.push(proxyHost(scope, service, port));
    }
  hosts.push(...unknownHosts(scope, known).map(tunnelled));
  const last = fallback(scope);
  return assemble(HTTP_PROXY_ROUTE, [...hosts, { ...last, routes: [tunnelRoute(), ...last.routes] }], {});
}

/** An HTTP service's port, called through the explicit proxy. */
function proxyHost(scope: Scope, service: MeshService, port: number): VirtualHostPart {
  return scope.cached(`proxy-vhost/${service.host}/${port}`, (inner) => {
    const part = serviceVirtualHost(inner, service, port);
    const withPort = part.domains.map((domain) => `${domain}:${port}`);
    // A request to port 80 names no port; all others must, or the port could not be told.
    const isAuto = service.ports.some((each) => each.number === port && each.protocol === "Auto");
    const tunnels = isAuto ? tunnelHost(inner, service, port).routes : [tunnelRoute()];
    const routes = [...tunnels, ...part.routes];
    return { ...part, routes, domains: port === 80 ? [...part.domains, ...withPort] : withPort };
  });
}

/** A TCP or TLS service's port, reached with CONNECT. */
function tunnelHost(scope: Scope, service: MeshService, number: number): VirtualHostPart {
  scope.dependsOn(service);
  const port = service.ports.find((each) => each.number === number && each.protocol !== "UDP");
  const clusters = port ? tcpClusters(scope, service, port) : [];
  const [only] = clusters;
  const domains = domainsOf(service, scope.proxyClass.namespace, scope.mesh.domain);
  return {
    name: `${service.host}:${number}`,
    domains: domains.map((domain) => `${domain}:${number}`),
    routes: [
      connectRoute(
        clusters.length > 1
          ? { case: "weightedClusters", value: { clusters: clusters.map(({ name, weight }) => ({ name, weight })) } }
          : { case: "cluster", value: only?.name ?? "BlackHoleCluster" },
      ),
    ],
    configKeys: tcpConfigKeys(scope, service),
  };
}

/**
 * Clients that tunnel also plain HTTP (CONNECT) come through the proxy's own inner listener, where the tunnelled request is
 * routed like any other.
 */
function tunnelRoute(): RouteInit {
  return connectRoute({ case: "cluster", value: TUNNEL_CLUSTER });
}

function connectRoute(clusterSpecifier: ActionInit["clusterSpecifier"]): RouteInit {
  return {
    name: "tunnel",
    match: { pathSpecifier: { case: "connectMatcher", value: {} } },
    action: {
      case: "route",
      value: {
        ...(clusterSpecifier ? { clusterSpecifier } : {}),
        ...NO_TIMEOUT,
        upgradeConfigs: [{ upgradeType: "CONNECT", connectConfig: {} }],
      },
    },
  };
}

function unknownHosts(scope: Scope, known: ReadonlySet<string>): VirtualHostPart[] {
  const parts = [...eachUnknownHost(scope, known)].filter((part) => part !== undefined);
  return parts.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A part for each host that only a VirtualService has; undefined where none of its rules is for this proxy. */
function* eachUnknownHost(scope: Scope, known: ReadonlySet<string>): Generator<VirtualHostPart | undefined> {
  const taken = new Set(known);
  for (const owner of scope.virtualServices())
    for (const host of owner.hosts) {
      if (taken.has(host) || scope.hasService(host)) continue;
      if (scope.virtualService(host, "http") !== owner) continue;
      taken.add(host);
      yield scope.cached(`unknown-vhost/${host}`, (inner) => {
        const own = inner.virtualService(host, "http");
        return own && unknownHostVirtualHost(inner, host, own, UNKNOWN_HOSTS_PORT);
      });
    }
}

/**
 * Makes what the outbound route tables of a class are put together from, one virtual host at each step: ten thousand at once would
 * stop everything else. @param tunnels for the explicit HTTP proxy
 */
export function* outboundHosts(scope: Scope, tunnels: boolean): Generator<undefined> {
  for (const service of scope.services())
    for (const { number: port, protocol } of service.ports) {
      if (!isHttp(protocol) && protocol !== "Auto") continue;
      encode(
        tunnels
          ? proxyHost(scope, service, port)
          : scope.cached(`vhost/${service.host}/${port}`, (inner) => serviceVirtualHost(inner, service, port)),
      );
      yield;
    }
  for (const part of eachUnknownHost(scope, new Set())) {
    if (part) encode(tunnels ? tunnelled(part) : part);
    yield;
  }
}

/** Encodes a virtual host as it is wanted most often; its bytes stay with it. */
export function encode(part: VirtualHostPart): void {
  versionOf(encodeVirtualHost(part, part.domains));
}

const tunnelledParts = new WeakMap<VirtualHostPart, VirtualHostPart>();

/** A host that nobody knows, called through the explicit proxy; made once, so that its bytes are. */
function tunnelled(part: VirtualHostPart): VirtualHostPart {
  let made = tunnelledParts.get(part);
  if (!made) {
    const domains = [...part.domains, ...part.domains.map((domain) => `${domain}:80`)];
    made = { ...part, routes: [tunnelRoute(), ...part.routes], domains };
    tunnelledParts.set(part, made);
  }
  return made;
}

/** What becomes of a host that nobody knows: on to wherever it leads, or refused. */
function fallback(scope: Scope): VirtualHostPart {
  const allowed = scope.mesh.allowAnyOutbound;
  const match = { pathSpecifier: { case: "prefix" as const, value: "/" } };
  return {
    name: allowed ? "allow_any" : "block_all",
    domains: ["*"],
    configKeys: [],
    routes: [
      allowed
        ? {
            name: "allow_any",
            match,
            action: {
              case: "route",
              value: {
                clusterSpecifier: {
                  case: "cluster",
                  value: scope.proxyClass.interception === "NONE" ? "BlackHoleCluster" : "PassthroughCluster",
                },
                ...NO_TIMEOUT,
              },
            },
          }
        : { name: "block_all", match, action: { case: "directResponse", value: { status: 502 } } },
    ],
  };
}

/** Puts a route configuration together from virtual hosts; a domain belongs to the first that names it, once. */
export function assemble(
  name: string,
  parts: readonly VirtualHostPart[],
  { ignorePort = false }: { ignorePort?: boolean },
): EncodedResource {
  const writer = new BinaryWriter();
  const marks: string[] = [name, String(ignorePort)];
  const configKeys = new Set<string>();
  const taken = new Set<string>();
  appendBytes(writer, ROUTE_CONFIGURATION.name, Buffer.from(name));
  for (const part of parts) {
    const free = part.domains.filter((domain) => {
      const key = domain.toLowerCase();
      return !taken.has(key) && Boolean(taken.add(key));
    });
    if (free.length === 0) continue;
    const bytes = encodeVirtualHost(part, free.length === part.domains.length ? part.domains : free);
    appendBytes(writer, ROUTE_CONFIGURATION.virtualHosts, bytes);
    marks.push(versionOf(bytes));
    for (const key of part.configKeys) configKeys.add(key);
  }
  // validate_clusters: false, a BoolValue whose value is the default.
  appendBytes(writer, ROUTE_CONFIGURATION.validateClusters, new Uint8Array());
  const limit = new BinaryWriter().uint32((UINT32_VALUE << 3) | VARINT).uint32(MAX_DIRECT_RESPONSE);
  appendBytes(writer, ROUTE_CONFIGURATION.maxDirectResponseBodySizeBytes, limit.finish());
  if (ignorePort) writer.uint32((ROUTE_CONFIGURATION.ignorePortInHostMatching << 3) | VARINT).bool(true);
  return { name, bytes: writer.finish(), version: contentHash(marks.join()), configKeys: [...configKeys] };
}

/** The hash of a virtual host's bytes, made once: a table of hundreds of kilobytes is not hashed again for one route. */
const versions = new WeakMap<Uint8Array, string>();
function versionOf(bytes: Uint8Array): string {
  let version = versions.get(bytes);
  if (!version) {
    version = contentHash(bytes);
    versions.set(bytes, version);
  }
  return version;
}
