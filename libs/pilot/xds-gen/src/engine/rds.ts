import { isHttp } from "@xebec/model-names";
import type { EncodedResource } from "../encode/encoded.ts";
import { routeNames } from "../listener/gateway/servers.ts";
import { portOf } from "../listener/outbound/egress-listeners.ts";
import { gatewayRouteTable, prepareGatewayHosts } from "../route/gateway-route-table.ts";
import { HTTP_PROXY_ROUTE, prepareOutboundHosts } from "../route/outbound-hosts.ts";
import { httpProxyRouteTable, outboundRouteTable } from "../route/route-table.ts";
import { httpProxyOf } from "../scope/http-proxy.ts";
import type { Scope } from "../scope/scope.ts";
import type { Workload } from "../scope/workload.ts";
import { listenerLists } from "./lds.ts";
import { type ResourceSet, resourceSet } from "./resource-set.ts";
import type { ResourceRequest } from "./resource-type.ts";

/** The route tables that a proxy requested by name. */
export function routes(scope: Scope, request: ResourceRequest): ResourceSet {
  const { key, names } = request.names;
  return cachedFor(routerOf(scope, request), scope, `set/rds/${key}`, (inner, router) =>
    resourceSet(names.map((name) => routeTable(inner, name, router))),
  );
}

export function routeLists(scope: Scope, workload: Workload): readonly (readonly EncodedResource[])[] {
  const router = routerOf(scope, { workload });
  return tableNames(scope, workload).map((name) =>
    cachedFor(router, scope, `rds/alone/${name}`, (inner, own) => [routeTable(inner, name, own)]),
  );
}

export function* prepareRoutes(scope: Scope, workload: Workload): Iterable<undefined> {
  const router = routerOf(scope, { workload });
  if (router) {
    yield* prepareGatewayHosts(scope, router);
    return;
  }
  const isCaptured = scope.proxyClass.interception !== "NONE";
  if (isCaptured) yield* prepareOutboundHosts(scope, false);
  if (!isCaptured || httpProxyOf(scope, workload.binding)) yield* prepareOutboundHosts(scope, true);
}

function routeTable(scope: Scope, name: string, router: Workload | undefined): EncodedResource {
  return cachedFor(router, scope, `rds/${name}`, (inner, own) => {
    if (own) return gatewayRouteTable(inner, name, own);
    return name === HTTP_PROXY_ROUTE ? httpProxyRouteTable(inner) : outboundRouteTable(inner, name);
  });
}

/** The tables of a router depend on its own ports; those of a sidecar are shared by its class. */
function routerOf({ proxyClass }: Scope, request: Pick<ResourceRequest, "workload">): Workload | undefined {
  return proxyClass.type === "router" ? request.workload : undefined;
}

function cachedFor<T>(
  router: Workload | undefined,
  scope: Scope,
  name: string,
  make: (scope: Scope, router?: Workload) => T,
): T {
  return router ? scope.cachedFor(name, router, make) : scope.cached(name, make);
}

const SHARED_LISTENER = /^0\.0\.0\.0_(\d+)$/;

/** Names of the route tables that a proxy's listeners refer to. */
function tableNames(scope: Scope, workload: Workload): readonly string[] {
  const { binding } = workload;
  const proxy = httpProxyOf(scope, binding) ? [HTTP_PROXY_ROUTE] : [];
  switch (binding.mode) {
    case "gateway":
      return routeNames(scope, workload);
    case "explicit":
      return [...proxy, ...egressTables(scope)];
    case "captured":
      return [...new Set([...proxy, ...listenerLists(scope, workload).flatMap(portsIn), ...egressTables(scope)])];
  }
}

/** The tables of the listeners that a Sidecar's egress has. */
function egressTables(scope: Scope): string[] {
  return scope.egress().flatMap(({ listener }) => {
    if (!listener?.port || !isHttp(portOf(listener)?.protocol ?? "TCP")) return [];
    return listener.port.number > 0 ? String(listener.port.number) : (listener.bind ?? []);
  });
}

/** Table names by list of listeners: many proxies share one list. */
const namesByList = new WeakMap<readonly EncodedResource[], readonly string[]>();

function portsIn(list: readonly EncodedResource[]): readonly string[] {
  let names = namesByList.get(list);
  if (!names) {
    names = list.flatMap(({ name }) => SHARED_LISTENER.exec(name)?.[1] ?? []);
    namesByList.set(list, names);
  }
  return names;
}
