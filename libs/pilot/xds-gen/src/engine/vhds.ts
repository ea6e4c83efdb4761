import type { Scope } from "../scope/scope.ts";
import { routes } from "./rds.ts";
import { type ResourceSet, resourceSet } from "./resource-set.ts";
import type { ResourceRequest } from "./resource-type.ts";

/**
 * The virtual hosts of route tables, each a resource of its own.
 * @param request names the tables
 */
export function virtualHosts(scope: Scope, request: ResourceRequest): ResourceSet {
  const tables = routes(scope, request);
  let set = hostsOf.get(tables);
  if (!set) {
    set = resourceSet([...tables.resources.values()].flatMap((each) => each.split?.()?.hosts ?? []));
    hostsOf.set(tables, set);
  }
  return set;
}

/** Route tables without their virtual hosts, for clients that get these by VHDS. */
export function tablesAlone(tables: ResourceSet): ResourceSet {
  let set = alone.get(tables);
  if (!set) {
    set = resourceSet([...tables.resources.values()].map((each) => each.split?.()?.table ?? each));
    alone.set(tables, set);
  }
  return set;
}

/** Made once for all proxies with the same tables. */
const hostsOf = new WeakMap<ResourceSet, ResourceSet>();
const alone = new WeakMap<ResourceSet, ResourceSet>();
