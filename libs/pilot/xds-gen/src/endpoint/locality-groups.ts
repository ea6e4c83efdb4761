import { localityOf } from "@xebec/model-names";
import type { MeshEndpoint } from "@xebec/pilot-registry";
import { type Place, topologyOf } from "../scope/place.ts";
import type { LocalityBalance } from "./locality-balance.ts";

/** Endpoints of one locality, as a proxy has them. */
export interface LocalityGroup {
  readonly locality: string;
  readonly endpoints: readonly MeshEndpoint[];
  /** The share of the group among those of its priority. */
  readonly weight: number;
  /** 0 goes first; the next one when too few of it are healthy. */
  readonly priority: number;
}

const MAX_UINT32 = 4_294_967_295;

/** Groups endpoints by their locality, in the order of the localities' names. */
export function byLocality(endpoints: readonly MeshEndpoint[]): LocalityGroup[] {
  const groups = new Map<string, MeshEndpoint[]>();
  for (const endpoint of endpoints) {
    const group = groups.get(endpoint.locality);
    if (group) group.push(endpoint);
    else groups.set(endpoint.locality, [endpoint]);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([locality, list]) => ({ locality, endpoints: list, weight: weightOf(list), priority: 0 }));
}

export function weightOf(endpoints: readonly MeshEndpoint[]): number {
  let weight = 0;
  for (const endpoint of endpoints) weight += endpoint.weight;
  return Math.min(weight || 1, MAX_UINT32);
}

/** The groups as a client in a place has them. @param labels of the client */
export function balanced(
  groups: readonly LocalityGroup[],
  balance: LocalityBalance,
  place: Place,
  labels: Readonly<Record<string, string>>,
): LocalityGroup[] {
  if ("distribute" in balance) return distributed(groups, balance.distribute, place);
  const { failover, failoverPriority } = balance;
  const preferred =
    failoverPriority.length > 0
      ? withoutGaps(groups.flatMap((group) => byLabels(group, failoverPriority, place, labels)))
      : groups;
  if (failoverPriority.length > 0 && failover.length === 0) return [...preferred];
  // Labels decide first; the distance decides among those that are alike.
  return withoutGaps(
    preferred.map((group) => ({ ...group, priority: group.priority * 5 + distance(group.locality, place, failover) })),
  );
}

/** Splits the traffic as the first rule for the place says; localities that it does not name get nothing. */
function distributed(
  groups: readonly LocalityGroup[],
  rules: Extract<LocalityBalance, { distribute: unknown }>["distribute"],
  place: Place,
): LocalityGroup[] {
  const rule = rules.find(({ from = "" }) => isIn(place.locality, from));
  if (!rule) return [...groups];
  const left = new Set(groups);
  const found: LocalityGroup[] = [];
  for (const [locality, share] of Object.entries(rule.to ?? {})) {
    const own = [...left].filter((group) => isIn(group.locality, locality));
    const total = own.reduce((sum, group) => sum + group.weight, 0);
    for (const group of own) {
      left.delete(group);
      found.push({ ...group, weight: Math.ceil((group.weight * share) / total) });
    }
  }
  return groups.flatMap((group) => found.filter(({ locality }) => locality === group.locality));
}

/** True when a locality is the one that a rule names; what the rule leaves out, and `*`, is any. */
function isIn(locality: string, rule: string): boolean {
  const own = localityOf(locality);
  const { region, zone, subZone } = localityOf(rule);
  const fits = (wanted: string, given: string): boolean => wanted === "*" || wanted === given;
  return fits(region, own.region) && (!zone || fits(zone, own.zone)) && (!subZone || fits(subZone, own.subZone));
}

/** 0 in the same place, 1 in the same zone, 2 in the same region, 3 elsewhere; 4 where another region is to stand in. */
function distance(
  locality: string,
  place: Place,
  failover: Extract<LocalityBalance, { failover: unknown }>["failover"],
): number {
  const [own, there] = [localityOf(place.locality), localityOf(locality)];
  if (own.region === there.region) {
    if (own.zone !== there.zone) return 2;
    return own.subZone === there.subZone ? 0 : 1;
  }
  const rule = failover.find(({ from = "" }) => from === own.region);
  return rule && rule.to !== there.region ? 4 : 3;
}

/** Splits a group by how many of the labels agree with the client's, counted up to the first that does not. */
function byLabels(
  group: LocalityGroup,
  wanted: readonly string[],
  place: Place,
  labels: Readonly<Record<string, string>>,
): LocalityGroup[] {
  const own = { ...labels, ...topologyOf(place) };
  const parts = new Map<number, MeshEndpoint[]>();
  for (const endpoint of group.endpoints) {
    const { locality, network = "", node = "" } = endpoint;
    const theirs = { ...endpoint.labels, ...topologyOf({ locality, network, cluster: place.cluster, node }) };
    const failed = wanted.findIndex((each) => {
      const [name = "", value] = each.split("=");
      return (value ?? own[name as keyof typeof own] ?? "") !== (theirs[name as keyof typeof theirs] ?? "");
    });
    const priority = failed < 0 ? 0 : wanted.length - failed;
    const part = parts.get(priority);
    if (part) part.push(endpoint);
    else parts.set(priority, [endpoint]);
  }
  return [...parts].map(([priority, endpoints]) => ({
    ...group,
    ...{ priority, endpoints, weight: weightOf(endpoints) },
  }));
}

/** Envoy wants priorities without gaps. */
function withoutGaps(groups: readonly LocalityGroup[]): LocalityGroup[] {
  const order = [...new Set(groups.map(({ priority }) => priority))].sort((a, b) => a - b);
  return groups
    .map((group) => ({ ...group, priority: order.indexOf(group.priority) }))
    .sort((a, b) => a.priority - b.priority);
}
