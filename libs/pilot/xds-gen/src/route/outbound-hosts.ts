import { isHttp } from "@xebec/model-names";
import type { MeshPort, MeshService } from "@xebec/pilot-registry";
import { type EncodedVirtualHost, encodeVirtualHost } from "../encode/virtual-host.ts";
import { atOnce } from "../engine/resource-cache.ts";
import { sharesListeners } from "../listener/sniffing.ts";
import { resolutionFor } from "../scope/resolution.ts";
import type { Scope } from "../scope/scope.ts";
import { proxyVirtualHost, tunnelled, tunnelVirtualHost } from "./tunnel.ts";
import { serviceVirtualHost, unknownHostVirtualHost } from "./virtual-host.ts";

// The virtual hosts of a class's outbound route tables, each made and encoded once for all tables and proxies that have it. One that
// a patch removes is undefined.

type Encoded = EncodedVirtualHost | undefined;

/** The port for which hosts that no registry knows get routes too. */
export const UNKNOWN_HOSTS_PORT = 80;

export const HTTP_PROXY_ROUTE = "http_proxy";

/** True for a port that clients call with HTTP, declared or not. */
export function mayBeHttp({ protocol }: Pick<MeshPort, "protocol">): boolean {
  return isHttp(protocol) || protocol === "Auto";
}

/** True for a port whose HTTP goes by the route table of its number, which services share. */
export function isInSharedTable(service: MeshService, { protocol }: MeshPort): boolean {
  return isHttp(protocol) || (protocol === "Auto" && sharesListeners(service));
}

/** An HTTP service's port, in the table of the port's number. */
export function serviceHost(scope: Scope, service: MeshService, port: number): Encoded {
  return scope.cachedOf(`vhost/${service.host}/${port}`, service, (inner) =>
    encodeVirtualHost(inner, serviceVirtualHost(inner, service, port), String(port)),
  );
}

/** The only virtual host of the table of a port without protocol: whoever its clients call, it is this service that they dialled. */
export function sniffedHost(scope: Scope, service: MeshService, port: number): Encoded {
  return scope.cachedOf(`sniffed-vhost/${service.host}/${port}`, service, (inner) => {
    const host = { ...serviceVirtualHost(inner, service, port), domains: ["*"] };
    return encodeVirtualHost(inner, host, `${service.host}:${port}`);
  });
}

/** A service's port in the table of the explicit HTTP proxy; undefined also where it cannot be reached so. */
export function proxyHost(scope: Scope, service: MeshService, { number: port, protocol }: MeshPort): Encoded {
  // What is tunnelled to a port without protocol may be anything; what comes without a tunnel is HTTP.
  if (mayBeHttp({ protocol }))
    return scope.cachedOf(`proxy-vhost/${service.host}/${port}`, service, (inner) =>
      encodeVirtualHost(inner, proxyVirtualHost(inner, service, port), HTTP_PROXY_ROUTE),
    );
  if (protocol === "UDP" || resolutionFor(scope.proxyClass, service) === "passthrough") return undefined;
  return scope.cachedOf(`proxy-tunnel/${service.host}/${port}`, service, (inner) =>
    encodeVirtualHost(inner, tunnelVirtualHost(inner, service, port), HTTP_PROXY_ROUTE),
  );
}

/**
 * A virtual host for each host that only a VirtualService has, by their names: put together once, before the table that has them.
 * @param byProxy true for the table of the explicit HTTP proxy
 */
export function unknownHosts(scope: Scope, byProxy: boolean): readonly EncodedVirtualHost[] {
  return atOnce(unknownHostsInSteps(scope, byProxy));
}

function unknownHostsInSteps(scope: Scope, byProxy: boolean): Generator<undefined, readonly EncodedVirtualHost[]> {
  return scope.cachedInSteps(`${byProxy ? "proxy-" : ""}unknown-vhosts`, function* (inner) {
    const hosts: EncodedVirtualHost[] = [];
    for (const host of eachUnknownHost(inner, byProxy)) {
      if (host) hosts.push(host);
      yield;
    }
    return hosts.sort((a, b) => (a.name < b.name ? -1 : 1));
  });
}

/** Undefined for a host that has no virtual host of its own here. */
function* eachUnknownHost(scope: Scope, byProxy: boolean): Generator<Encoded> {
  const taken = new Set<string>();
  for (const { hosts } of scope.virtualServices())
    for (const host of hosts) {
      const isUnknown = !taken.has(host) && !scope.hasService(host);
      taken.add(host);
      yield isUnknown ? unknownHost(scope, host, byProxy) : undefined;
    }
}

function unknownHost(scope: Scope, host: string, byProxy: boolean): Encoded {
  return scope.cached(`${byProxy ? "proxy-" : ""}unknown-vhost/${host}`, (inner) => {
    const owner = inner.virtualService(host, "http", UNKNOWN_HOSTS_PORT);
    const built = owner && unknownHostVirtualHost(inner, host, owner, UNKNOWN_HOSTS_PORT);
    if (!built) return undefined;
    return byProxy
      ? encodeVirtualHost(inner, tunnelled(built), HTTP_PROXY_ROUTE)
      : encodeVirtualHost(inner, built, String(UNKNOWN_HOSTS_PORT));
  });
}

/**
 * Makes what the outbound route tables of a class are put together from, one virtual host at each step: ten thousand at once would
 * stop everything else. @param byProxy for the explicit HTTP proxy
 */
export function* prepareOutboundHosts(scope: Scope, byProxy: boolean): Generator<undefined> {
  for (const service of scope.services())
    for (const port of service.ports) {
      if (!mayBeHttp(port)) continue;
      if (byProxy) proxyHost(scope, service, port);
      else if (isInSharedTable(service, port)) serviceHost(scope, service, port.number);
      else sniffedHost(scope, service, port.number);
      yield;
    }
  yield* unknownHostsInSteps(scope, byProxy);
}
