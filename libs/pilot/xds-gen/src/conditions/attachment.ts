import { canonicalHost, hostsOverlap, labelsMatch, resolveShortName } from "@xebec/model-names";
import type { ReasonOf } from "@xebec/model-resources";
import { isVisible, type MeshService, unmergedParts } from "@xebec/pilot-registry";
import {
  type DestinationRule,
  type Gateway,
  type PeerAuthentication,
  type Snapshot,
  serviceSeenFrom,
  type VirtualService,
} from "@xebec/pilot-snapshot";
import {
  scopeOf,
  unservedInDestinationRule,
  unservedInGateway,
  unservedInPeerAuthentication,
  unservedInVirtualService,
} from "./unserved.ts";

/** A namespace that nobody can have. */
const ELSEWHERE = "";

/** Whether an object takes effect, and where, or why not (docs/errors.md, Conditions). */
export interface Attachment {
  readonly key: string;
  readonly state: "attached" | "ignored";
  readonly reason: ReasonOf<"pilot">;
  readonly message: string;
}

/** A sidecar that is connected. */
export interface ConnectedSidecar {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The ports that it serves; undefined where traffic of every port is captured. */
  readonly ports: ReadonlySet<number> | undefined;
}

/** What the configuration of connected proxies came from. */
export interface InUse {
  /** Keys of objects. */
  readonly configKeys: ReadonlySet<string>;
  readonly sidecars: readonly ConnectedSidecar[];
}

/**
 * Tells of every object of a snapshot where it is attached, and which of its fields have no effect; one after the other, since
 * there may be many.
 * @param routers labels of the routers that are known
 * @param use undefined while it is not known: then the objects alone are looked at
 */
export function* attachments(
  snapshot: Snapshot,
  routers: readonly Readonly<Record<string, string>>[],
  use?: InUse,
): Generator<Attachment> {
  const gateways = new Set(snapshot.gateways.map((each) => `${each.namespace}/${each.name}`));
  const inUse = (each: Attachment, hint: string): Attachment =>
    !use || each.state !== "attached" || use.configKeys.has(each.key)
      ? each
      : ignored(
          each.key,
          "NoProxyAffected",
          [`no proxy that is connected got anything of it${hint}`, each.message].filter(Boolean).join("; "),
        );
  for (const each of snapshot.virtualServices.all()) yield inUse(ofVirtualService(each, snapshot, gateways), "");
  for (const each of snapshot.destinationRules.all())
    yield inUse(ofDestinationRule(each, snapshot), namespaceHint(each, snapshot));
  for (const each of snapshot.gateways) yield inUse(ofGateway(each, routers), "");
  for (const each of ofServiceEntries(snapshot)) yield inUse(each, "");
  for (const list of snapshot.peerAuthentications.values())
    for (const each of ofPeerAuthentications(list, snapshot, use?.sidecars)) yield inUse(each, "");
}

/** Where a rule must be to be looked at, when it is elsewhere. */
function namespaceHint({ namespace, hosts: [host = ""] }: DestinationRule, { services, mesh }: Snapshot): string {
  const owners = (services.get(host) ?? []).map((each) => each.namespace);
  if (owners.includes(namespace) || namespace === mesh.rootNamespace) return "";
  return `: a rule is looked for in the namespace of the client, of the service${owners.length > 0 ? ` (${owners.join(", ")})` : ""}, and in ${mesh.rootNamespace}`;
}

/** In effect, whole or but for what is told. */
const attached = (key: string, faults: readonly string[], message = ""): Attachment => ({
  key,
  state: "attached",
  reason: faults.length > 0 ? "PartlyResolved" : "Attached",
  message: [message, ...faults].filter(Boolean).join("; "),
});
const ignored = (key: string, reason: ReasonOf<"pilot", "ignored">, message: string): Attachment => ({
  key,
  state: "ignored",
  reason,
  message,
});

function ofVirtualService(rule: VirtualService, snapshot: Snapshot, known: ReadonlySet<string>): Attachment {
  const missing = rule.gateways.filter((each) => each !== "mesh" && !known.has(each));
  if (missing.length === rule.gateways.length)
    return ignored(
      rule.key,
      "GatewayNotFound",
      `no Gateway ${missing.join(", ")}; create it or name another in spec.gateways`,
    );
  const faults: string[] = missing.map((each) => `Gateway ${each} does not exist`);
  for (const { destination, path } of destinations(rule)) {
    const host = canonicalHost(resolveShortName(destination.host, rule.namespace, snapshot.mesh.domain));
    if (!snapshot.services.has(host)) faults.push(`${path}.host: no service ${host}`);
    else if (destination.subset) {
      // Those that a proxy of the VirtualService's own namespace looks at.
      const owners = [rule.namespace, snapshot.mesh.rootNamespace];
      for (const service of snapshot.services.get(host) ?? []) owners.push(service.namespace);
      for (const gateway of rule.gateways) owners.push(gateway.split("/")[0] as string);
      const rules = snapshot.destinationRules.find(host, (each) => owners.includes(each.namespace));
      if (!rules.some((each) => each.spec.subsets?.some((subset) => subset.name === destination.subset)))
        faults.push(`${path}.subset: no DestinationRule for ${host} defines the subset ${destination.subset}`);
    }
  }
  for (const host of rule.hosts) {
    const oldest = snapshot.virtualServices
      .exact(host)
      .find((each) => each.gateways.includes("mesh") && (each === rule || sharesKind(each, rule)));
    if (rule.gateways.includes("mesh") && oldest && oldest !== rule)
      faults.push(`host ${host} belongs to the older ${oldest.namespace}/${oldest.name}`);
  }
  return attached(rule.key, [...faults, ...unservedInVirtualService(rule)]);
}

/** Rules for HTTP and rules for TCP of one host do not get into each other's way. */
function sharesKind(a: VirtualService, b: VirtualService): boolean {
  return (["http", "tls", "tcp"] as const).some((kind) => a.spec[kind]?.length && b.spec[kind]?.length);
}

type Destination = { host: string; subset?: string };

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

function ofDestinationRule(rule: DestinationRule, snapshot: Snapshot): Attachment {
  const [host = ""] = rule.hosts;
  const found =
    snapshot.services.has(host) ||
    (host.startsWith("*") && [...snapshot.services.entries()].some(([each]) => hostsOverlap(host, each)));
  if (!found) return ignored(rule.key, "HostNotFound", `spec.host: no service ${host}`);
  const list = snapshot.destinationRules.exact(host).filter((each) => each.namespace === rule.namespace);
  return attached(rule.key, [
    ...unservedInDestinationRule(rule, list.slice(0, list.indexOf(rule))),
    ...ofNobody(rule, snapshot.services.get(host) ?? [], snapshot),
  ]);
}

/** Parts of a rule that are for ports and endpoints which its service does not have. */
function ofNobody({ spec }: DestinationRule, services: readonly MeshService[], snapshot: Snapshot): string[] {
  if (services.length === 0) return [];
  const told: string[] = [];
  const ports = new Set(services.flatMap((each) => each.ports.map(({ number }) => number)));
  const policies = [
    { policy: spec.trafficPolicy, path: "spec.trafficPolicy" },
    ...(spec.subsets ?? []).map((each, i) => ({
      policy: each.trafficPolicy,
      path: `spec.subsets[${i}].trafficPolicy`,
    })),
  ];
  for (const { policy, path } of policies)
    for (const [i, { port }] of (policy?.portLevelSettings ?? []).entries())
      if (port?.number !== undefined && !ports.has(port.number))
        told.push(`${path}.portLevelSettings[${i}].port: the service has no port ${port.number}`);
  const endpoints = services.flatMap((each) => snapshot.endpoints.get(each.id) ?? []);
  for (const [i, { name, labels }] of (spec.subsets ?? []).entries())
    if (endpoints.length > 0 && !endpoints.some((each) => labelsMatch(labels, each.labels)))
      told.push(`spec.subsets[${i}]: no endpoint has the labels of ${name}`);
  return told;
}

function ofGateway(gateway: Gateway, routers: readonly Readonly<Record<string, string>>[]): Attachment {
  const count = routers.filter((labels) => labelsMatch(gateway.spec.selector, labels)).length;
  const selector = Object.entries(gateway.spec.selector ?? {}).map(([name, value]) => `${name}=${value}`);
  return count > 0
    ? attached(gateway.key, unservedInGateway(gateway), `${count} ${count === 1 ? "proxy" : "proxies"}`)
    : ignored(gateway.key, "NoProxySelected", `no gateway proxy has the labels ${selector.join(", ")}`);
}

function ofServiceEntries(snapshot: Snapshot): Attachment[] {
  const entries = new Map<string, Set<string>>();
  for (const definitions of snapshot.definitions.values())
    for (const each of definitions)
      for (const key of each.service.configKeys) {
        const told = entries.get(key) ?? new Set(each.service.unserved);
        for (const fault of unmergedParts(each, definitions)) told.add(fault);
        for (const fault of elsewhere(each.service, snapshot)) told.add(fault);
        entries.set(key, told);
      }
  return [...entries].map(([key, told]) => attached(key, [...told]));
}

/** Who has the host of a ServiceEntry for proxies of other namespaces, when it is not the entry. */
function elsewhere(service: MeshService, snapshot: Snapshot): string[] {
  if (!isVisible(service.exportTo, service.namespace, ELSEWHERE)) return [];
  const seen = serviceSeenFrom(snapshot.services.get(service.host), ELSEWHERE);
  if (!seen || seen.namespace === service.namespace) return [];
  const what = seen.kubernetes ? "the Service" : "an older ServiceEntry";
  return [`spec.hosts: outside of ${service.namespace} ${what} of the namespace ${seen.namespace} has ${service.host}`];
}

/** @param list those of one namespace, the oldest first */
function ofPeerAuthentications(
  list: readonly PeerAuthentication[],
  snapshot: Snapshot,
  sidecars: readonly ConnectedSidecar[] | undefined,
): Attachment[] {
  const first = new Map<string, PeerAuthentication>();
  return list.map((each) => {
    const scope = scopeOf(each);
    const older = first.get(scope);
    if (!older) first.set(scope, each);
    return attached(each.key, [
      ...unservedInPeerAuthentication(each, snapshot.mesh.rootNamespace, older),
      ...portsOfNobody(each, sidecars),
    ]);
  });
}

function portsOfNobody(
  { namespace, spec }: PeerAuthentication,
  sidecars: readonly ConnectedSidecar[] | undefined,
): string[] {
  const ports = Object.keys(spec.portLevelMtls ?? {});
  if (ports.length === 0 || !sidecars) return [];
  const own = sidecars.filter(
    (each) => each.namespace === namespace && labelsMatch(spec.selector?.matchLabels, each.labels),
  );
  if (own.length === 0) return [];
  return ports
    .filter((port) => !own.some((each) => !each.ports || each.ports.has(Number(port))))
    .map((port) => `spec.portLevelMtls.${port}: no workload that it selects serves the port`);
}
