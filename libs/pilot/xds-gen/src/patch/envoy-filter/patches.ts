import { create, type Message } from "@bufbuild/protobuf";
import { mergedMessage } from "@xebec/api-envoy";
import type { Cluster } from "@xebec/api-envoy/envoy/config/cluster/v3/cluster";
import type { Listener } from "@xebec/api-envoy/envoy/config/listener/v3/listener";
import {
  type Filter,
  type FilterChain,
  type ListenerFilter,
  ListenerFilterSchema,
} from "@xebec/api-envoy/envoy/config/listener/v3/listener_components";
import type { RouteConfiguration } from "@xebec/api-envoy/envoy/config/route/v3/route";
import type { Route, VirtualHost } from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import type { HttpFilter } from "@xebec/api-envoy/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import type { BuiltListener, BuiltNetworkFilter } from "../../build/built.ts";
import type { Scope } from "../../scope/scope.ts";
import type { Patch, PatchPlace } from "../patch.ts";
import { type CompiledPatch, envoyApi } from "./compiled.ts";
import { builtFilterChain, builtHttpFilter, builtNetworkFilter, builtRoute, builtVirtualHost } from "./from-message.ts";
import { inserted, isAdding } from "./lists.ts";
import {
  isNamed,
  matchesCluster,
  matchesFilterChain,
  matchesListener,
  matchesRoute,
  matchesRouteConfiguration,
  matchesVirtualHost,
} from "./matching.ts";
import {
  mergedCluster,
  mergedFilterChain,
  mergedHttpFilter,
  mergedListener,
  mergedNetworkFilter,
  mergedRoute,
  mergedRouteConfiguration,
  mergedVirtualHost,
} from "./merges.ts";

// What a patch does at which points of the patch stage (docs/reference/pilot.md §3.6.2, §3.6.3). Lists of filters and routes are
// changed at the object around them, so that filters are there before they are merged.

type At = Patch<Scope>["at"];

/** The patch at the points where it has something to do. */
export function patchAt(patch: CompiledPatch): At {
  const { applyTo, operation } = patch;
  const isMerge = operation === "MERGE";
  const isRemove = operation === "REMOVE";
  switch (applyTo) {
    case "CLUSTER":
      return isMerge || isRemove
        ? {
            cluster: (scope, target) =>
              !matchesCluster(scope, patch, target)
                ? target
                : isRemove
                  ? undefined
                  : mergedCluster(target, value<Cluster>(patch)),
          }
        : {};
    case "LISTENER":
      return isMerge || isRemove
        ? {
            listener: (scope, target) =>
              !matchesListener(scope, patch, target)
                ? target
                : isRemove
                  ? undefined
                  : mergedListener(target, value<Listener>(patch)),
          }
        : {};
    case "LISTENER_FILTER":
      return {
        listener: (scope, target) =>
          matchesListener(scope, patch, target) ? withListenerFilters(patch, target) : target,
      };
    case "FILTER_CHAIN":
      return isAdding(operation) ? { listener: addChain(patch) } : { filterChain: changeChain(patch) };
    case "NETWORK_FILTER":
      return isMerge || isRemove ? { networkFilter: changeFilter(patch) } : { filterChain: insertFilter(patch) };
    case "HTTP_FILTER":
      return isMerge ? { httpFilter: mergeHttpFilter(patch) } : { networkFilter: changeHttpFilters(patch) };
    case "ROUTE_CONFIGURATION":
      return isMerge
        ? {
            routeConfiguration: (scope, target) =>
              matchesRouteConfiguration(scope, patch, target.name)
                ? mergedRouteConfiguration(target, value<RouteConfiguration>(patch))
                : target,
          }
        : {};
    case "VIRTUAL_HOST":
      return isMerge || isRemove || operation === "REPLACE" ? { virtualHost: changeVirtualHost(patch) } : {};
    case "HTTP_ROUTE":
      if (isMerge || isRemove) return { route: changeRoute(patch) };
      return isAdding(operation) ? { virtualHost: insertRoute(patch) } : {};
    default:
      return {};
  }
}

/** The value as the message that `applyTo` means. */
const value = <M extends Message>(patch: CompiledPatch): M => patch.value() as M;

function withListenerFilters(patch: CompiledPatch, listener: BuiltListener): BuiltListener {
  const { operation, match } = patch;
  const list = listener.message.listenerFilters ?? [];
  const wanted = match.listener?.listenerFilter;
  const isMeant = ({ name }: { readonly name?: string }): boolean => isNamed(name ?? "", wanted);
  const next = ((): typeof list => {
    if (operation === "REMOVE") return list.filter((each) => !isMeant(each));
    if (operation === "MERGE")
      return list.map((each) =>
        isMeant(each)
          ? mergedMessage(
              ListenerFilterSchema,
              create(ListenerFilterSchema, each),
              value<ListenerFilter>(patch),
              envoyApi(),
            )
          : each,
      );
    return [...inserted(list, operation, wanted ? isMeant : undefined, () => value<ListenerFilter>(patch))];
  })();
  return next.length === list.length && next.every((each, i) => each === list[i])
    ? listener
    : { ...listener, message: { ...listener.message, listenerFilters: next } };
}

function addChain(patch: CompiledPatch): NonNullable<At["listener"]> {
  return (scope, target) =>
    matchesListener(scope, patch, target)
      ? { ...target, filterChains: [...target.filterChains, builtFilterChain(value<FilterChain>(patch))] }
      : target;
}

function changeChain(patch: CompiledPatch): NonNullable<At["filterChain"]> {
  return (scope, target, { listener }) => {
    if (!listener || !matchesListener(scope, patch, listener) || !matchesFilterChain(patch, listener, target))
      return target;
    return patch.operation === "REMOVE" ? undefined : mergedFilterChain(target, value<FilterChain>(patch));
  };
}

const filterOf = ({ match }: CompiledPatch) => match.listener?.filterChain?.filter;

/** Whether the place of a filter is one that a patch is for. */
function isPlace(scope: Scope, patch: CompiledPatch, { listener, filterChain }: PatchPlace): boolean {
  if (!listener || !matchesListener(scope, patch, listener)) return false;
  return filterChain === undefined || matchesFilterChain(patch, listener, filterChain);
}

function changeFilter(patch: CompiledPatch): NonNullable<At["networkFilter"]> {
  return (scope, target, place) => {
    if (!isPlace(scope, patch, place) || !isNamed(target.name, filterOf(patch)?.name)) return target;
    return patch.operation === "REMOVE" ? undefined : mergedNetworkFilter(target, value<Filter>(patch));
  };
}

function insertFilter(patch: CompiledPatch): NonNullable<At["filterChain"]> {
  const wanted = filterOf(patch)?.name;
  const isMeant = ({ name }: BuiltNetworkFilter): boolean => isNamed(name, wanted);
  return (scope, target, place) => {
    if (!isPlace(scope, patch, { ...place, filterChain: target })) return target;
    const filters = inserted(target.filters, patch.operation, wanted ? isMeant : undefined, () =>
      builtNetworkFilter(value<Filter>(patch)),
    );
    return filters === target.filters ? target : { ...target, filters };
  };
}

/** An HTTP filter's patch also says in which network filter it is. */
function isManager(scope: Scope, patch: CompiledPatch, target: BuiltNetworkFilter, place: PatchPlace): boolean {
  return target.http !== undefined && isPlace(scope, patch, place) && isNamed(target.name, filterOf(patch)?.name);
}

function changeHttpFilters(patch: CompiledPatch): NonNullable<At["networkFilter"]> {
  const wanted = filterOf(patch)?.subFilter?.name;
  const isMeant = ({ name }: { readonly name: string }): boolean => isNamed(name, wanted);
  return (scope, target, place) => {
    const { http } = target;
    if (!http || !isManager(scope, patch, target, place)) return target;
    const before = http.httpFilters;
    const httpFilters =
      patch.operation === "REMOVE"
        ? before.filter((each) => !isMeant(each))
        : inserted(before, patch.operation, wanted ? isMeant : undefined, () => ({
            ...builtHttpFilter(value<HttpFilter>(patch)),
            configKeys: [patch.configKey],
          }));
    return httpFilters.length === before.length && httpFilters.every((each, i) => each === before[i])
      ? target
      : { ...target, http: { ...http, httpFilters } };
  };
}

function mergeHttpFilter(patch: CompiledPatch): NonNullable<At["httpFilter"]> {
  return (scope, target, place) => {
    const { networkFilter } = place;
    if (!networkFilter || !isManager(scope, patch, networkFilter, place)) return target;
    return isNamed(target.name, filterOf(patch)?.subFilter?.name)
      ? mergedHttpFilter(target, value<HttpFilter>(patch))
      : target;
  };
}

const vhostOf = ({ match }: CompiledPatch) => match.routeConfiguration?.vhost;

function changeVirtualHost(patch: CompiledPatch): NonNullable<At["virtualHost"]> {
  return (scope, target, { routeConfiguration = "" }) => {
    if (!matchesRouteConfiguration(scope, patch, routeConfiguration) || !matchesVirtualHost(vhostOf(patch), target))
      return target;
    if (patch.operation === "REMOVE") return undefined;
    return patch.operation === "MERGE"
      ? mergedVirtualHost(target, value<VirtualHost>(patch))
      : builtVirtualHost(value<VirtualHost>(patch));
  };
}

function insertRoute(patch: CompiledPatch): NonNullable<At["virtualHost"]> {
  const vhost = vhostOf(patch);
  const isMeant = vhost?.route ? (route: Parameters<typeof matchesRoute>[1]) => matchesRoute(vhost, route) : undefined;
  return (scope, target, { routeConfiguration = "" }) => {
    if (!matchesRouteConfiguration(scope, patch, routeConfiguration) || !matchesVirtualHost(vhost, target))
      return target;
    const routes = inserted(target.routes, patch.operation, isMeant, () => ({
      ...builtRoute(value<Route>(patch)),
      configKeys: [patch.configKey],
    }));
    return routes === target.routes ? target : { ...target, routes };
  };
}

function changeRoute(patch: CompiledPatch): NonNullable<At["route"]> {
  return (scope, target, { routeConfiguration = "", virtualHost }) => {
    const vhost = vhostOf(patch);
    if (!virtualHost || !matchesRouteConfiguration(scope, patch, routeConfiguration)) return target;
    if (!matchesVirtualHost(vhost, virtualHost) || !matchesRoute(vhost, target)) return target;
    return patch.operation === "REMOVE" ? undefined : mergedRoute(target, value<Route>(patch));
  };
}
