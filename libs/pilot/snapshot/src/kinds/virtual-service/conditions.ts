import { canonicalHost, resolveShortName } from "@xebec/model-names";
import { ineffectiveFields } from "@xebec/model-resources";
import type { ServiceState } from "../../services/services.ts";
import { attached, ignored, unlessUnused } from "../conditions.ts";
import type { DestinationRuleState } from "../destination-rule/state.ts";
import type { GatewayState } from "../gateway/state.ts";
import type { KnownProxies, ObjectCondition } from "../kind.ts";
import type { MeshState } from "../mesh-config/state.ts";
import { delegateOf, isExportedTo, mergedRule } from "./delegation.ts";
import { type DelegateId, MESH_GATEWAY, type VirtualService, type VirtualServiceState } from "./state.ts";

export type VirtualServiceReads = VirtualServiceState & DestinationRuleState & GatewayState & ServiceState & MeshState;

/** Where each VirtualService is attached: its Gateways, services and subsets are looked up. */
export function* virtualServiceConditions(
  snapshot: VirtualServiceReads,
  proxies: KnownProxies,
): Generator<ObjectCondition> {
  const gateways = new Set(snapshot.gateways.map((each) => `${each.namespace}/${each.name}`));
  for (const each of snapshot.virtualServices.all()) yield unlessUnused(conditionOf(each, snapshot, gateways), proxies);
  for (const [id, each] of snapshot.delegates.entries())
    yield unlessUnused(delegateCondition(id, each, snapshot), proxies);
}

function conditionOf(
  shown: VirtualService,
  snapshot: VirtualServiceReads,
  known: ReadonlySet<string>,
): ObjectCondition {
  const rule = snapshot.roots.get(shown.key)?.written ?? shown;
  const missing = rule.gateways.filter((each) => each !== MESH_GATEWAY && !known.has(each));
  if (missing.length === rule.gateways.length)
    return ignored(
      rule.key,
      "GatewayNotFound",
      `no Gateway ${missing.join(", ")}; create it or name another in spec.gateways`,
    );
  const ineffective: string[] = missing.map((each) => `Gateway ${each} does not exist`);
  ineffective.push(...missingDelegates(rule, snapshot), ...unknownDestinations(rule, snapshot));
  for (const host of rule.hosts) {
    const oldest = snapshot.virtualServices
      .exact(host)
      .find((each) => each.gateways.includes(MESH_GATEWAY) && (each === shown || sharesKind(each, shown)));
    if (rule.gateways.includes(MESH_GATEWAY) && oldest && oldest !== shown)
      ineffective.push(`host ${host} belongs to the older ${oldest.namespace}/${oldest.name}`);
  }
  return attached(rule.key, [...ineffective, ...ineffectiveFields("networking.istio.io", "VirtualService", rule.spec)]);
}

/** Whether somebody delegates to a VirtualService without hosts, and which of its rules do not fit there. */
function delegateCondition(id: DelegateId, delegate: VirtualService, snapshot: VirtualServiceReads): ObjectCondition {
  const roots = (snapshot.rootsOf.get(id) ?? []).flatMap((key) => snapshot.roots.get(key)?.written ?? []);
  const users = roots.filter((root) => isExportedTo(delegate, root.namespace));
  if (users.length === 0)
    return ignored(
      delegate.key,
      "DelegateUnused",
      roots.length === 0
        ? "it has no hosts, and no VirtualService delegates to it"
        : `it is not exported to ${namesOf(roots)}, which delegates to it; correct spec.exportTo`,
    );
  const spec = delegate.spec;
  return attached(
    delegate.key,
    [
      ...users.flatMap((root) => unfitRules(root, id, delegate)),
      ...unknownDestinations(delegate, snapshot, users),
      ...ineffectiveFields("networking.istio.io", "VirtualService", spec),
    ],
    `for ${namesOf(users)}`,
  );
}

const namesOf = (list: readonly VirtualService[]): string =>
  list.map(({ namespace, name }) => `${namespace}/${name}`).join(", ");

/** Rules of a delegate that a root leaves out, because no match of the root's rule has room for theirs. */
function unfitRules(root: VirtualService, id: DelegateId, delegate: VirtualService): string[] {
  const found: string[] = [];
  for (const [i, rule] of (root.spec.http ?? []).entries())
    if (delegateOf(root, rule) === id)
      for (const [j, own] of (delegate.spec.http ?? []).entries())
        if (!mergedRule(rule, own))
          found.push(
            `spec.http[${j}].match: has no effect in spec.http[${i}] of ${root.namespace}/${root.name}, whose matches exclude it; each match must be narrower than one there, without regular expressions`,
          );
  return found;
}

/** Rules that delegate to nobody. */
function missingDelegates(root: VirtualService, { delegates }: VirtualServiceReads): string[] {
  return (root.spec.http ?? []).flatMap((rule, i) => {
    const id = delegateOf(root, rule);
    if (id === undefined) return [];
    const delegate = delegates.get(id);
    if (!delegate) return [`spec.http[${i}].delegate: there is no VirtualService ${id} without hosts`];
    if (isExportedTo(delegate, root.namespace)) return [];
    return [`spec.http[${i}].delegate: ${id} is not exported to ${root.namespace}`];
  });
}

/** @param users of a delegate: who delegates to it */
function unknownDestinations(
  rule: VirtualService,
  snapshot: VirtualServiceReads,
  users: readonly VirtualService[] = [],
): string[] {
  const ineffective: string[] = [];
  for (const { destination, path } of destinations(rule)) {
    const host = canonicalHost(resolveShortName(destination.host, rule.namespace, snapshot.mesh.domain));
    const { name: portName } = destination.port ?? {};
    const ports = (snapshot.services.get(host) ?? []).flatMap((each) => each.ports);
    if (portName !== undefined && ports.length > 0 && !ports.some(({ name }) => name === portName))
      ineffective.push(`${path}.port.name: ${host} has no port ${portName}`);
    if (!snapshot.services.has(host)) ineffective.push(`${path}.host: no service ${host}`);
    else if (destination.subset) {
      // Those that a proxy of the VirtualService's own namespace looks at.
      const owners = [rule.namespace, snapshot.mesh.rootNamespace];
      for (const service of snapshot.services.get(host) ?? []) owners.push(service.namespace);
      for (const each of [rule, ...users]) {
        owners.push(each.namespace);
        for (const gateway of each.gateways) owners.push(gateway.split("/")[0] as string);
      }
      const rules = snapshot.destinationRules.find(host, (each) => owners.includes(each.namespace));
      if (!rules.some((each) => each.spec.subsets?.some((subset) => subset.name === destination.subset)))
        ineffective.push(`${path}.subset: no DestinationRule for ${host} defines the subset ${destination.subset}`);
    }
  }
  return ineffective;
}

/** Rules for HTTP and rules for TCP of one host do not get into each other's way. */
function sharesKind(a: VirtualService, b: VirtualService): boolean {
  return (["http", "tls", "tcp"] as const).some((kind) => a.spec[kind]?.length && b.spec[kind]?.length);
}

type Destination = { host: string; subset?: string; port?: { name?: string } };

/** Every destination of a VirtualService with its place in the object. */
function destinations(rule: VirtualService): { destination: Destination; path: string }[] {
  const kinds = { http: rule.spec.http ?? [], tls: rule.spec.tls ?? [], tcp: rule.spec.tcp ?? [] };
  const routed = Object.entries(kinds).flatMap(([kind, rules]) =>
    rules.flatMap((each, i) =>
      (each.route ?? []).map(({ destination }, j) => ({
        destination,
        path: `spec.${kind}[${i}].route[${j}].destination`,
      })),
    ),
  );
  const mirrored = kinds.http.flatMap(({ mirror, mirrors = [] }, i) => [
    ...(mirror ? [{ destination: mirror, path: `spec.http[${i}].mirror` }] : []),
    ...mirrors.map(({ destination }, j) => ({ destination, path: `spec.http[${i}].mirrors[${j}].destination` })),
  ]);
  return [...routed, ...mirrored];
}
