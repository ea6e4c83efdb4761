import type {
  BuiltCluster,
  BuiltFilterChain,
  BuiltHttpConnectionManager,
  BuiltInlineRouteConfiguration,
  BuiltListener,
  BuiltNetworkFilter,
  BuiltRouteConfiguration,
  BuiltVirtualHost,
} from "../build/built.ts";
import type { PatchPlace } from "./patch.ts";
import { type PatchRun, withKeys } from "./patch-run.ts";

// The order in which patches reach the pieces of an object, as in Istio: the object itself first, then its pieces, those that a
// patch has added included. Each function returns its very argument where no patch changes anything, and undefined when a patch
// removes it.

const NOWHERE: PatchPlace = {};

export function patchCluster(run: PatchRun, cluster: BuiltCluster): BuiltCluster | undefined {
  return run.apply("cluster", cluster, NOWHERE);
}

/** The table itself: its virtual hosts are patched by themselves, because tables share them. */
export function patchRouteConfiguration(run: PatchRun, table: BuiltRouteConfiguration): BuiltRouteConfiguration {
  return run.apply("routeConfiguration", table, NOWHERE) ?? table;
}

/** @param place the virtual host's route table, and the listener around that, if any */
export function patchVirtualHost(
  run: PatchRun,
  host: BuiltVirtualHost,
  place: PatchPlace,
  removedBy?: string[],
): BuiltVirtualHost | undefined {
  const patched = run.apply("virtualHost", host, place, removedBy);
  if (!patched) return undefined;
  const around = { ...place, virtualHost: patched };
  const routes = each(patched.routes, (route, removed) => run.apply("route", route, around, removed));
  return routes ? withKeys({ ...patched, routes: routes.list }, routes.removedBy) : patched;
}

export function patchListener(run: PatchRun, listener: BuiltListener): BuiltListener | undefined {
  let patched = run.apply("listener", listener, NOWHERE);
  if (!patched) return undefined;
  const place = { listener: patched };
  const chains = each(patched.filterChains, (chain, removed) => patchFilterChain(run, chain, place, removed));
  if (chains) patched = withKeys({ ...patched, filterChains: chains.list }, chains.removedBy);
  const { defaultFilterChain, ...rest } = patched;
  if (!defaultFilterChain) return patched;
  const removedBy: string[] = [];
  const last = patchFilterChain(run, defaultFilterChain, place, removedBy);
  if (last === defaultFilterChain) return patched;
  return withKeys(last ? { ...rest, defaultFilterChain: last } : rest, removedBy);
}

function patchFilterChain(
  run: PatchRun,
  chain: BuiltFilterChain,
  place: PatchPlace,
  removedBy: string[],
): BuiltFilterChain | undefined {
  const patched = run.apply("filterChain", chain, place, removedBy);
  if (!patched) return undefined;
  const around = { ...place, filterChain: patched };
  const filters = each(patched.filters, (filter, removed) => patchNetworkFilter(run, filter, around, removed));
  return filters ? withKeys({ ...patched, filters: filters.list }, filters.removedBy) : patched;
}

function patchNetworkFilter(
  run: PatchRun,
  filter: BuiltNetworkFilter,
  place: PatchPlace,
  removedBy: string[],
): BuiltNetworkFilter | undefined {
  const patched = run.apply("networkFilter", filter, place, removedBy);
  if (!patched?.http) return patched;
  const keys: string[] = [];
  const http = patchHttp(run, patched.http, { ...place, networkFilter: patched }, keys);
  return http === patched.http ? patched : withKeys({ ...patched, http }, keys);
}

function patchHttp(
  run: PatchRun,
  http: BuiltHttpConnectionManager,
  place: PatchPlace,
  keys: string[],
): BuiltHttpConnectionManager {
  const filters = each(http.httpFilters, (filter, removed) => run.apply("httpFilter", filter, place, removed));
  if (filters) keys.push(...filters.removedBy);
  const patched = filters ? { ...http, httpFilters: filters.list } : http;
  const routes = http.routes && patchInlineRoutes(run, http.routes, place);
  return routes === http.routes ? patched : { ...patched, ...(routes ? { routes } : {}) };
}

function patchInlineRoutes(
  run: PatchRun,
  table: BuiltInlineRouteConfiguration,
  place: PatchPlace,
): BuiltInlineRouteConfiguration {
  const { virtualHosts, ...own } = table;
  const changed = run.apply("routeConfiguration", own, place) ?? own;
  const around = { ...place, routeConfiguration: table.name };
  const added = run.addedVirtualHosts(table.name);
  const all = added.length > 0 ? [...virtualHosts, ...added] : virtualHosts;
  const hosts = each(all, (host, removed) => patchVirtualHost(run, host, around, removed));
  if (changed === own && !hosts && all === virtualHosts) return table;
  return withKeys({ ...changed, virtualHosts: hosts?.list ?? all }, hosts?.removedBy ?? []);
}

/** @returns undefined when no piece has changed; then nothing is copied */
function each<T>(
  pieces: readonly T[],
  change: (piece: T, removedBy: string[]) => T | undefined,
): { readonly list: readonly T[]; readonly removedBy: readonly string[] } | undefined {
  const removedBy: string[] = [];
  const list = pieces.flatMap((piece) => change(piece, removedBy) ?? []);
  const isSame = list.length === pieces.length && list.every((piece, i) => piece === pieces[i]);
  return isSame ? undefined : { list, removedBy };
}
