import type { EncodedResource } from "../encode/encoded.ts";
import { encodeRouteConfiguration } from "../encode/route-configuration.ts";
import { type EncodedVirtualHost, encodeVirtualHost } from "../encode/virtual-host.ts";
import { serversByPort } from "../listener/gateway/servers.ts";
import type { Scope } from "../scope/scope.ts";
import type { ServiceTarget } from "../scope/workload.ts";
import { gatewayVirtualHost, keyOfSharedHost, sharedHosts } from "./gateway-hosts.ts";
import { routeTable } from "./route-table.ts";
import { VIRTUAL_HOST } from "./virtual-host.ts";

/** The route table `http.<port>` of a router: a virtual host for each host that a server and a VirtualService share. */
export function gatewayRouteTable(scope: Scope, name: string, targets: readonly ServiceTarget[]): EncodedResource {
  const port = Number(/^http\.(\d+)$/.exec(name)?.[1]);
  const hosts = [...eachHost(scope, port, targets)].filter((host) => host !== undefined);
  if (hosts.length === 0) {
    const nothing = { name: `blackhole:${port}`, domains: ["*"], routes: [], message: VIRTUAL_HOST, configKeys: [] };
    hosts.push(...[encodeVirtualHost(scope, nothing, name)].filter((host) => host !== undefined));
  }
  return encodeRouteConfiguration(scope, routeTable(name, { ignorePort: true }), hosts);
}

/** Makes what a router's route tables are put together from, one virtual host at each step. */
export function* prepareGatewayHosts(scope: Scope, targets: readonly ServiceTarget[]): Generator<undefined> {
  for (const port of serversByPort(scope, targets).keys()) for (const _ of eachHost(scope, port, targets)) yield;
}

function* eachHost(
  scope: Scope,
  port: number,
  targets: readonly ServiceTarget[],
): Generator<EncodedVirtualHost | undefined> {
  const all = scope.cached(`gateway-hosts/${JSON.stringify([port, targets])}`, (inner) =>
    [...sharedHosts(inner, port, targets)].map(([host, shared]) => ({
      ...{ host, shared, name: `gateway-vhost/${port}/${keyOfSharedHost(host, shared)}` },
    })),
  );
  // All that decides about it is in its name or read by the entry.
  for (const { host, shared, name } of all)
    yield scope.cachedOf(name, [...shared.owners.keys()], (inner) => {
      const built = gatewayVirtualHost(inner, host, shared);
      return built && encodeVirtualHost(inner, built, `http.${port}`);
    });
}
