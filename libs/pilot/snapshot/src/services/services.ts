import {
  hostAndNamespace,
  isVisible,
  type MeshEndpoint,
  type MeshService,
  mergeDefinitions,
  type ServiceDefinition,
} from "@xebec/pilot-registry";
import { byAge } from "../collections/by-age.ts";
import { domainsAbove } from "../collections/domains.ts";
import { PersistentMap } from "../collections/persistent-map.ts";
import type { Edit } from "../kinds/kind.ts";

/** The services of all registries. */
export interface ServiceState {
  /** What registries say of a host in a namespace, by `<host>@<namespace>`, the oldest first: what services are made of. */
  readonly definitions: PersistentMap<readonly ServiceDefinition[]>;
  /** By host; several when namespaces define the same host, the oldest first. */
  readonly services: PersistentMap<readonly MeshService[]>;
  /** Those that a namespace defines, the oldest first. */
  readonly servicesByNamespace: PersistentMap<readonly MeshService[]>;
  /** By service id. */
  readonly endpoints: PersistentMap<readonly MeshEndpoint[]>;
  /** How many services have hosts that are looked up when they are called. */
  readonly dynamicServices: number;
  /** Those that lead into networks, by service id. */
  readonly networkGateways: PersistentMap<MeshService>;
}

export const serviceKeys = {
  /** Any service came, went, or changed its definition. */
  services: "services",
  service: (host: string): string => `service/${host}`,
  /** A service of the namespace came, went, or changed its definition. */
  servicesOf: (namespace: string): string => `services-of/${namespace}`,
  /** A service below a domain came, went, or changed its definition. */
  servicesBelow: (domain: string): string => `services-below/${domain}`,
  /** The first service whose hosts are looked up when they are called has come, or the last one has gone. */
  dynamicServices: "dynamic-services",
  /** A service that leads into a network came, went, or changed its definition. */
  networkGateways: "network-gateways",
  endpoints: (serviceId: string): string => `endpoints/${serviceId}`,
  /** What one registry says of a host in a namespace, also where it has no effect. @param group `<host>@<namespace>` */
  definition: (group: string): string => `definition/${group}`,
} as const;

/** True for the key of a service's endpoints: what is made of anything else is as it was. */
export function isEndpointsKey(key: string): boolean {
  return key.startsWith("endpoints/");
}

export const NO_SERVICES: ServiceState = {
  definitions: PersistentMap.empty(),
  services: PersistentMap.empty(),
  servicesByNamespace: PersistentMap.empty(),
  endpoints: PersistentMap.empty(),
  dynamicServices: 0,
  networkGateways: PersistentMap.empty(),
};

/** The state in parts, each with the dependency key that a reader of the part notes. */
export function* serviceParts({
  definitions,
  services,
  servicesByNamespace,
  endpoints,
  dynamicServices,
  networkGateways,
}: ServiceState): Iterable<readonly [string, unknown]> {
  if (dynamicServices > 0) yield [serviceKeys.dynamicServices, true];
  for (const [, each] of networkGateways.entries()) yield [serviceKeys.networkGateways, each];
  for (const [host, list] of services.entries()) {
    yield [serviceKeys.service(host), list];
    yield [serviceKeys.services, list];
    for (const domain of domainsAbove(host)) yield [serviceKeys.servicesBelow(domain), list];
  }
  for (const [namespace, list] of servicesByNamespace.entries()) yield [serviceKeys.servicesOf(namespace), list];
  for (const [group, list] of definitions.entries())
    for (const { service } of list) yield [serviceKeys.definition(group), service];
  for (const [id, list] of endpoints.entries()) yield [serviceKeys.endpoints(id), list];
}

/**
 * Takes one definition of a host, or its end, and makes the services of the host in that namespace anew.
 * @param id of the service
 */
export function replaceDefinition(edit: Edit<ServiceState>, id: string, after: ServiceDefinition | undefined): void {
  const { state, changed, batch } = edit;
  const group = hostAndNamespace(id);
  const list = state.definitions.get(group) ?? [];
  const before = list.find((each) => each.service.id === id);
  const defined = (after ?? before)?.service;
  if (!defined) return;
  const isSame = isEqual(before?.service, after?.service);
  if (!isSame) changed.add(serviceKeys.definition(group));
  // What did not change stays the same object.
  const next = after && before && isSame ? { ...after, service: before.service } : after;
  const rest = list.filter((each) => each !== before);
  const definitions = next ? [...rest, next].sort((a, b) => byAgeAndId(a.service, b.service)) : rest;
  const merged = mergeDefinitions(definitions);
  state.definitions = state.definitions.edit([[group, definitions.length > 0 ? definitions : undefined]], batch);
  const old = new Map((state.services.get(defined.host) ?? []).map((each) => [each.id, each]));
  for (const { service, endpoints } of merged) {
    putService(edit, old.get(service.id), service);
    putEndpoints(edit, service.id, endpoints);
  }
  for (const each of old.values())
    if (each.namespace === defined.namespace && !merged.some((one) => one.service.id === each.id)) {
      putService(edit, each, undefined);
      putEndpoints(edit, each.id, undefined);
    }
}

function putService(
  { state, changed, batch }: Edit<ServiceState>,
  before: MeshService | undefined,
  after: MeshService | undefined,
): void {
  if (isEqual(before, after)) return;
  const host = (before ?? after)?.host;
  if (host === undefined) return;
  const rest = (state.services.get(host) ?? []).filter((each) => each.id !== before?.id);
  const list = after ? [...rest, after].sort(byAgeAndId) : rest;
  state.services = state.services.edit([[host, list.length > 0 ? list : undefined]], batch);
  const isDynamic = (each: MeshService | undefined): number => (each?.resolution === "dynamic-dns" ? 1 : 0);
  const dynamic = state.dynamicServices + isDynamic(after) - isDynamic(before);
  if (dynamic > 0 !== state.dynamicServices > 0) changed.add(serviceKeys.dynamicServices);
  state.dynamicServices = dynamic;
  if (before?.gatewayOf || after?.gatewayOf) {
    const { id } = (after ?? before) as MeshService;
    state.networkGateways = state.networkGateways.edit([[id, after?.gatewayOf ? after : undefined]], batch);
    changed.add(serviceKeys.networkGateways);
  }
  changed.add(serviceKeys.service(host));
  changed.add(serviceKeys.services);
  for (const domain of domainsAbove(host)) changed.add(serviceKeys.servicesBelow(domain));
  const { namespace } = (before ?? after) as MeshService;
  const own = replacedByAge(state.servicesByNamespace.get(namespace) ?? [], before, after);
  state.servicesByNamespace = state.servicesByNamespace.edit([[namespace, own.length > 0 ? own : undefined]], batch);
  changed.add(serviceKeys.servicesOf(namespace));
}

/** @param list the oldest first, which the result is, too */
function replacedByAge(
  list: readonly MeshService[],
  before: MeshService | undefined,
  after: MeshService | undefined,
): readonly MeshService[] {
  const next = list.slice();
  if (before) {
    const at = placeOf(next, before);
    if (next[at]?.id === before.id) next.splice(at, 1);
  }
  if (after) next.splice(placeOf(next, after), 0, after);
  return next;
}

/** Where a service is in a list in the order of age, or would be. */
function placeOf(list: readonly MeshService[], each: MeshService): number {
  let [from, to] = [0, list.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (byAgeAndId(list[middle] as MeshService, each) < 0) from = middle + 1;
    else to = middle;
  }
  return from;
}

function putEndpoints(
  { state, changed, batch }: Edit<ServiceState>,
  id: string,
  endpoints: readonly MeshEndpoint[] | undefined,
): void {
  const before = state.endpoints.get(id);
  if (isEqual(before, endpoints)) return;
  // An endpoint that did not change stays the same object: what was encoded for it stays valid.
  const known = new Map(before?.map((each) => [JSON.stringify(each), each]));
  const kept = known.size > 0 ? endpoints?.map((each) => known.get(JSON.stringify(each)) ?? each) : endpoints;
  state.endpoints = state.endpoints.edit([[id, kept]], batch);
  changed.add(serviceKeys.endpoints(id));
}

/** Says whether two values of JSON are the same. */
function isEqual(a: object | undefined, b: object | undefined): boolean {
  if (a === b) return true;
  return a !== undefined && b !== undefined && JSON.stringify(a) === JSON.stringify(b);
}

/**
 * The service that a proxy in `namespace` means by a host: its own namespace's first, then Kubernetes', then the oldest.
 * @param defaults who sees services without `exportTo`
 */
export function serviceSeenFrom(
  services: readonly MeshService[] | undefined,
  namespace: string,
  defaults: readonly string[],
): MeshService | undefined {
  let best: MeshService | undefined;
  for (const each of services ?? []) {
    if (!isVisible(each.exportTo, each.namespace, namespace, defaults)) continue;
    if (
      !best ||
      rank(each, namespace) > rank(best, namespace) ||
      (rank(each, namespace) === rank(best, namespace) && each.created < best.created)
    )
      best = each;
  }
  return best;
}

function rank(service: MeshService, namespace: string): number {
  return (service.namespace === namespace ? 2 : 0) + (service.kubernetes ? 1 : 0);
}

/** The oldest first; then by id, so that the order does not depend on what came when. */
function byAgeAndId(a: MeshService, b: MeshService): number {
  return byAge({ created: a.created, key: a.id }, { created: b.created, key: b.id });
}
