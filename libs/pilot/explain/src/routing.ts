import { type ConfigDump, type Json, list, object, string } from "@xebec/pilot-proxy-config";
import { sourceOf } from "./origin.ts";
import type { RequestToExplain } from "./request.ts";
import { routeFor, virtualHostFor } from "./route.ts";
import type { Ending, Note, Step } from "./way.ts";

/** The route that takes a request, or where it ends by the route table alone. */
export function routeThrough(
  dump: ConfigDump,
  manager: Json,
  request: RequestToExplain,
  note: Note,
  where: Step["where"],
): { readonly route: Json } | Ending {
  const name = string(object(manager.rds)?.route_config_name);
  const table = object(manager.route_config) ?? dump.routes.find((each) => each.name === name);
  if (!table) return { status: 404, reason: `the proxy has no route table ${name} (NR)` };
  if (name) note("route table", name);
  const host = virtualHostFor(table, request);
  if (!host) return { status: 404, reason: `no virtual host takes ${request.host} (NR)` };
  note("virtual host", string(host.name));
  const route = routeFor(host, request);
  if (!route) return { status: 404, reason: `no route of ${string(host.name)} takes the request (NR)` };
  note("route", string(route.name) || (where === "client" ? "(no name)" : "default"), sourceOf(route));
  const direct = object(route.direct_response);
  if (direct) return { status: Number(direct.status), reason: "the route answers itself" };
  if (route.redirect !== undefined)
    return { status: redirectStatus(object(route.redirect) ?? {}), reason: "the route redirects" };
  return { route };
}

const REDIRECTS: Readonly<Record<string, number>> = {
  ...{ FOUND: 302, SEE_OTHER: 303, TEMPORARY_REDIRECT: 307, PERMANENT_REDIRECT: 308 },
};

function redirectStatus({ response_code }: Json): number {
  return REDIRECTS[string(response_code)] ?? 301;
}

/** Clusters that a route leads to, with their shares in percent. */
export function clustersOf(route: Json): { readonly name: string; readonly percent: number }[] {
  const action = object(route.route) ?? {};
  const weighted = list(object(action.weighted_clusters)?.clusters);
  if (weighted.length === 0)
    return action.cluster === undefined ? [] : [{ name: string(action.cluster), percent: 100 }];
  const total = weighted.reduce((sum, each) => sum + Number(each.weight ?? 0), 0);
  return weighted.map((each) => ({
    name: string(each.name),
    percent: total === 0 ? 0 : Math.round((Number(each.weight ?? 0) * 1000) / total) / 10,
  }));
}
