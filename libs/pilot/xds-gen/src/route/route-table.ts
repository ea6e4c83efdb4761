import type { MeshPort } from "@xebec/pilot-registry";
import type { BuiltRouteConfiguration } from "../build/built.ts";
import type { EncodedResource } from "../encode/encoded.ts";
import { encodeRouteConfiguration } from "../encode/route-configuration.ts";
import { type EncodedVirtualHost, encodeVirtualHost } from "../encode/virtual-host.ts";
import { isBound } from "../listener/outbound/egress-listeners.ts";
import { isAuto } from "../listener/sniffing.ts";
import type { Scope } from "../scope/scope.ts";
import { fallbackVirtualHost } from "./fallback.ts";
import {
  HTTP_PROXY_ROUTE,
  isInSharedTable,
  mayBeHttp,
  proxyHost,
  serviceHost,
  sniffedHost,
  UNKNOWN_HOSTS_PORT,
  unknownHosts,
} from "./outbound-hosts.ts";
import { withTunnel } from "./tunnel.ts";

const UNIX = "unix://";

const MAX_DIRECT_RESPONSE = 1024 * 1024;

/** A route table without its virtual hosts. @param ignorePort hosts are called with any port, or none */
export function routeTable(name: string, { ignorePort }: { readonly ignorePort: boolean }): BuiltRouteConfiguration {
  return {
    name,
    message: {
      validateClusters: false,
      maxDirectResponseBodySizeBytes: MAX_DIRECT_RESPONSE,
      ignorePortInHostMatching: ignorePort,
    },
    configKeys: [],
  };
}

/** The route table of a sidecar's outbound port: a virtual host for each HTTP service on it (docs/reference/pilot.md §4.3). */
export function outboundRouteTable(scope: Scope, name: string): EncodedResource {
  if (name.startsWith(UNIX)) return socketRouteTable(scope, name);
  if (name.includes(":")) return sniffedRouteTable(scope, name);
  const port = Number(name);
  const hosts: (EncodedVirtualHost | undefined)[] = [];
  const egress = scope.egressAt(port);
  for (const service of egress?.services ?? []) {
    // A listener of the port's own says the protocol itself.
    const isHere = egress?.listener?.port
      ? (each: MeshPort) => each.protocol !== "UDP"
      : (each: MeshPort) => isInSharedTable(service, each);
    if (!service.ports.some((each) => each.number === port && isHere(each))) continue;
    hosts.push(serviceHost(scope, service, port));
  }
  if (port === UNKNOWN_HOSTS_PORT) for (const each of unknownHosts(scope, false)) hosts.push(each);
  const fallback = fallbackVirtualHost(scope, egress !== undefined && isBound(scope, egress));
  hosts.push(encodeVirtualHost(scope, fallback, name));
  return table(scope, name, hosts);
}

/** The route table of a Unix socket of a Sidecar's egress: every HTTP service of the listener on every port, called by `host:port`. */
function socketRouteTable(scope: Scope, name: string): EncodedResource {
  const hosts: (EncodedVirtualHost | undefined)[] = [];
  const egress = scope.egress().find(({ listener }) => listener?.bind === name);
  for (const service of egress?.services ?? [])
    for (const port of service.ports) if (mayBeHttp(port)) hosts.push(proxyHost(scope, service, port));
  hosts.push(encodeVirtualHost(scope, fallbackVirtualHost(scope, true), name));
  return table(scope, name, hosts, false);
}

/** The route table `<host>:<port>` of a port without protocol. */
function sniffedRouteTable(scope: Scope, name: string): EncodedResource {
  const colon = name.lastIndexOf(":");
  const port = Number(name.slice(colon + 1));
  const service = scope.service(name.slice(0, colon));
  return table(scope, name, [
    service && isAuto(service, port)
      ? sniffedHost(scope, service, port)
      : encodeVirtualHost(scope, fallbackVirtualHost(scope), name),
  ]);
}

/**
 * The route table of the explicit HTTP proxy: every HTTP service on every port, called by `host:port`; every other service's
 * port for clients that tunnel to it.
 */
export function httpProxyRouteTable(scope: Scope): EncodedResource {
  const hosts: (EncodedVirtualHost | undefined)[] = [];
  for (const service of scope.egressAt(0)?.services ?? [])
    for (const port of service.ports) hosts.push(proxyHost(scope, service, port));
  for (const each of unknownHosts(scope, true)) hosts.push(each);
  hosts.push(encodeVirtualHost(scope, withTunnel(fallbackVirtualHost(scope, true)), HTTP_PROXY_ROUTE));
  return table(scope, HTTP_PROXY_ROUTE, hosts, false);
}

function table(
  scope: Scope,
  name: string,
  hosts: readonly (EncodedVirtualHost | undefined)[],
  ignorePort = true,
): EncodedResource {
  const there = hosts.filter((each) => each !== undefined);
  return encodeRouteConfiguration(scope, routeTable(name, { ignorePort }), there);
}
