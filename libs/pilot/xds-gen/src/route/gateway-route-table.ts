import type { EncodedResource } from "../encode/encoded.ts";
import { encodeRouteConfiguration } from "../encode/route-configuration.ts";
import { type EncodedVirtualHost, encodeVirtualHost } from "../encode/virtual-host.ts";
import { routeNames, serversOf } from "../listener/gateway/servers.ts";
import type { Scope } from "../scope/scope.ts";
import type { Workload } from "../scope/workload.ts";
import { gatewayVirtualHost, keyOfSharedHost, sharedHosts } from "./gateway-hosts.ts";
import { routeTable } from "./route-table.ts";
import { virtualHostMessage } from "./virtual-host.ts";

/**
 * The route table of a router's plaintext port, `http.<port>`, or of one server with TLS, `https.<port>.<name>.<gateway>.<namespace>`: a
 * virtual host for each host that a server and a VirtualService share.
 */
export function gatewayRouteTable(scope: Scope, name: string, router: Workload): EncodedResource {
  const hosts = [...eachHost(scope, name, router)].filter((host) => host !== undefined);
  if (hosts.length === 0) {
    const nothing = {
      name: `blackhole:${/^https?\.(\d+)/.exec(name)?.[1] ?? 0}`,
      domains: ["*"],
      routes: [],
      message: virtualHostMessage(scope),
      configKeys: [],
    };
    hosts.push(...[encodeVirtualHost(scope, nothing, name)].filter((host) => host !== undefined));
  }
  return encodeRouteConfiguration(scope, routeTable(name, { ignorePort: true }), hosts);
}

/** Makes what a router's route tables are put together from, one virtual host at each step. */
export function* prepareGatewayHosts(scope: Scope, router: Workload): Generator<undefined> {
  for (const name of routeNames(scope, router)) for (const _ of eachHost(scope, name, router)) yield;
}

function* eachHost(scope: Scope, routes: string, router: Workload): Generator<EncodedVirtualHost | undefined> {
  const all = scope.cachedFor(`gateway-hosts/${routes}`, router, (inner, own) =>
    [...sharedHosts(inner, serversOf(inner, own, routes))].map(([host, shared]) => ({
      ...{ host, shared, name: `gateway-vhost/${routes}/${keyOfSharedHost(host, shared)}` },
    })),
  );
  // All that decides about it is in its name or read by the entry.
  for (const { host, shared, name } of all)
    yield scope.cachedOf(name, [...shared.owners.keys()], (inner) => {
      const built = gatewayVirtualHost(inner, host, shared);
      return built && encodeVirtualHost(inner, built, routes);
    });
}
