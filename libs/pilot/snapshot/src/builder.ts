import {
  type DestinationRuleSpec,
  type GatewaySpec,
  keyOf,
  type MeshConfigSpec,
  type PeerAuthenticationSpec,
  parseKey,
  type Resource,
  type ServiceEntrySpec,
  type VirtualServiceSpec,
} from "@xebec/model-resources";
import type { EndpointsRecord, PodRecord, ServiceRecord, WorkloadRecord } from "@xebec/model-workloads";
import { workloadKey } from "@xebec/model-workloads";
import {
  endpointsFromEntry,
  endpointsFromRecord,
  endpointsOfExternalName,
  type MeshEndpoint,
  type MeshService,
  serviceFromRecord,
  servicesFromEntry,
} from "@xebec/pilot-registry";
import { byAge, HostIndex } from "./host-index.ts";
import { type Mesh, meshOf } from "./mesh.ts";
import { mixerHooksOf, NO_MIXER } from "./mixer-hooks.ts";
import { PersistentMap } from "./persistent-map.ts";
import {
  type DestinationRule,
  destinationRuleOf,
  type Gateway,
  gatewayOf,
  peerAuthenticationOf,
  type VirtualService,
  virtualServiceOf,
} from "./rules.ts";
import { dependency, type Snapshot } from "./snapshot.ts";

export interface StateChange {
  readonly config?: { readonly puts: readonly Resource[]; readonly deletes: readonly string[] };
  readonly workloads?: { readonly puts: readonly WorkloadRecord[]; readonly deletes: readonly string[] };
}

export interface SnapshotChange {
  readonly snapshot: Snapshot;
  /** Dependency keys of what changed; empty when nothing that matters did. */
  readonly changed: ReadonlySet<string>;
}

/** Keeps the current snapshot and makes the next one from a change, at the cost of what changed. */
export class SnapshotBuilder {
  readonly #domain: string;
  readonly #trustDomain: string;
  readonly #config = new Map<string, Resource>();
  readonly #mixer = new Map<string, Resource>();
  readonly #services = new Map<string, ServiceRecord>();
  readonly #endpoints = new Map<string, EndpointsRecord>();
  /** Endpoints records (`<ns>/<name>`) that name a pod. */
  readonly #endpointsOfPod = new Map<string, Set<string>>();
  /** How many rules read a label, by label name. */
  readonly #labelReaders = new Map<string, number>();
  #snapshot: Snapshot;

  constructor({ domain, trustDomain }: { readonly domain: string; readonly trustDomain: string }) {
    this.#domain = domain;
    this.#trustDomain = trustDomain;
    this.#snapshot = {
      version: 0,
      mesh: meshOf(undefined, domain, trustDomain),
      services: PersistentMap.empty(),
      endpoints: PersistentMap.empty(),
      pods: PersistentMap.empty(),
      podsByIp: PersistentMap.empty(),
      virtualServices: HostIndex.empty(),
      gatewayRoutes: PersistentMap.empty(),
      destinationRules: HostIndex.empty(),
      gateways: [],
      peerAuthentications: PersistentMap.empty(),
      mixer: NO_MIXER,
      selectorLabels: new Set(),
    };
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Applies one generation. */
  apply(change: StateChange): SnapshotChange {
    const next = new Edit(this.#snapshot);
    for (const key of change.config?.deletes ?? []) this.#putConfig(key, undefined, next);
    for (const resource of change.config?.puts ?? []) this.#putConfig(keyOf(resource), resource, next);
    for (const key of change.workloads?.deletes ?? []) this.#putWorkload(key, undefined, next);
    // Pods first: endpoints of the same generation refer to them.
    const puts = [...(change.workloads?.puts ?? [])].sort(
      (a, b) => Number(b.type === "pod") - Number(a.type === "pod"),
    );
    for (const record of puts) this.#putWorkload(workloadKey(record), record, next);
    if (next.trustDomainChanged) this.#refreshEndpoints(next);
    if (next.mixerChanged) next.setMixer(mixerHooksOf(this.#mixer));
    const labels = [...this.#labelReaders.keys()].sort();
    if (labels.join() !== [...this.#snapshot.selectorLabels].join()) {
      next.snapshot.selectorLabels = new Set(labels);
      next.changed.add(dependency.selectorLabels);
    }
    if (next.changed.size > 0) this.#snapshot = next.finish();
    return { snapshot: this.#snapshot, changed: next.changed };
  }

  #putConfig(key: string, resource: Resource | undefined, next: Edit): void {
    const before = this.#config.get(key);
    if (resource) this.#config.set(key, resource);
    else if (!this.#config.delete(key)) return;
    const { group, kind } = resource ?? parseKey(key);
    if (group === "config.istio.io") {
      if (resource) this.#mixer.set(key, resource);
      else this.#mixer.delete(key);
      next.mixerChanged = true;
      return;
    }
    switch (`${group}/${kind}`) {
      case "networking.istio.io/VirtualService": {
        const [old, now] = both(before, resource, (each) =>
          virtualServiceOf(each as Resource<VirtualServiceSpec>, this.#domain),
        );
        this.#countLabels(old && sourceLabels(old), now && sourceLabels(now));
        next.replaceVirtualService(old, now);
        break;
      }
      case "networking.istio.io/DestinationRule": {
        const [old, now] = both(before, resource, (each) =>
          destinationRuleOf(each as Resource<DestinationRuleSpec>, this.#domain),
        );
        const selector = (rule: DestinationRule): string[] =>
          Object.keys(rule.spec.workloadSelector?.matchLabels ?? {});
        this.#countLabels(old && selector(old), now && selector(now));
        next.replaceDestinationRule(old, now);
        break;
      }
      case "networking.istio.io/Gateway": {
        const [old, now] = both(before, resource, (each) => gatewayOf(each as Resource<GatewaySpec>));
        const selector = (gateway: Gateway): string[] => Object.keys(gateway.spec.selector ?? {});
        this.#countLabels(old && selector(old), now && selector(now));
        const rest = next.snapshot.gateways.filter((each) => each.key !== key);
        next.snapshot.gateways = now ? [...rest, now].sort(byAge) : rest;
        next.changed.add(dependency.gateways);
        break;
      }
      case "networking.istio.io/ServiceEntry":
        next.replaceEntry(
          before as Resource<ServiceEntrySpec> | undefined,
          resource as Resource<ServiceEntrySpec> | undefined,
        );
        break;
      case "security.istio.io/PeerAuthentication": {
        const now = resource && peerAuthenticationOf(resource as Resource<PeerAuthenticationSpec>);
        const old = before && peerAuthenticationOf(before as Resource<PeerAuthenticationSpec>);
        this.#countLabels(
          old && Object.keys(old.spec.selector?.matchLabels ?? {}),
          now && Object.keys(now.spec.selector?.matchLabels ?? {}),
        );
        const namespace = (resource ?? parseKey(key)).namespace;
        const rest = (next.snapshot.peerAuthentications.get(namespace) ?? []).filter((each) => each.key !== key);
        const list = now ? [...rest, now].sort(byAge) : rest;
        next.snapshot.peerAuthentications = next.snapshot.peerAuthentications.edit([
          [namespace, list.length > 0 ? list : undefined],
        ]);
        next.changed.add(dependency.peerAuthentication(namespace));
        break;
      }
      case "mesh.xebec.io/MeshConfig":
        next.setMesh(meshOf(resource?.spec as MeshConfigSpec | undefined, this.#domain, this.#trustDomain));
        break;
    }
  }

  #putWorkload(key: string, record: WorkloadRecord | undefined, next: Edit): void {
    const [type, ...rest] = key.split("/");
    const name = rest.join("/");
    if (type === "service") {
      const before = this.#services.get(name);
      if (record?.type === "service") this.#services.set(name, record);
      else this.#services.delete(name);
      next.replaceService(
        before && serviceFromRecord(before),
        record?.type === "service" ? serviceFromRecord(record) : undefined,
      );
      this.#refreshService(name, next);
    } else if (type === "endpoints") {
      const before = this.#endpoints.get(name);
      for (const pod of podsOf(before)) this.#endpointsOfPod.get(pod)?.delete(name);
      if (record?.type === "endpoints") {
        this.#endpoints.set(name, record);
        for (const pod of podsOf(record)) {
          const set = this.#endpointsOfPod.get(pod) ?? new Set();
          this.#endpointsOfPod.set(pod, set.add(name));
        }
      } else this.#endpoints.delete(name);
      this.#refreshService(name, next);
    } else if (type === "pod") {
      next.replacePod(name, record?.type === "pod" ? record : undefined);
      for (const endpoints of this.#endpointsOfPod.get(name) ?? []) this.#refreshService(endpoints, next);
    }
  }

  /** Recomputes the endpoints of a Kubernetes service, `<namespace>/<name>`. */
  #refreshService(name: string, next: Edit): void {
    const service = this.#services.get(name);
    if (!service) return;
    const record = this.#endpoints.get(name);
    next.setEndpoints(
      `${service.hostname}@${service.namespace}`,
      service.externalName
        ? endpointsOfExternalName(service)
        : record
          ? endpointsFromRecord(record, (pod) => next.snapshot.pods.get(pod), next.snapshot.mesh.trustDomain)
          : [],
    );
  }

  #refreshEndpoints(next: Edit): void {
    for (const name of this.#services.keys()) this.#refreshService(name, next);
    for (const resource of this.#config.values())
      if (resource.kind === "ServiceEntry") next.replaceEntry(undefined, resource as Resource<ServiceEntrySpec>);
  }

  #countLabels(before: readonly string[] | undefined, after: readonly string[] | undefined): void {
    for (const label of before ?? []) {
      const count = (this.#labelReaders.get(label) ?? 1) - 1;
      if (count > 0) this.#labelReaders.set(label, count);
      else this.#labelReaders.delete(label);
    }
    for (const label of after ?? []) this.#labelReaders.set(label, (this.#labelReaders.get(label) ?? 0) + 1);
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The next snapshot while it is being made. */
class Edit {
  readonly snapshot: Mutable<Snapshot>;
  readonly changed = new Set<string>();
  mixerChanged = false;
  trustDomainChanged = false;

  constructor(before: Snapshot) {
    this.snapshot = { ...before };
  }

  finish(): Snapshot {
    this.snapshot.version++;
    return Object.freeze(this.snapshot);
  }

  setMesh(mesh: Mesh): void {
    this.trustDomainChanged ||= mesh.trustDomain !== this.snapshot.mesh.trustDomain;
    this.snapshot.mesh = mesh;
    this.changed.add(dependency.mesh);
  }

  setMixer(mixer: Snapshot["mixer"]): void {
    if (JSON.stringify(mixer) === JSON.stringify(this.snapshot.mixer)) return;
    this.snapshot.mixer = mixer;
    this.changed.add(dependency.mixer);
  }

  replaceVirtualService(before: VirtualService | undefined, after: VirtualService | undefined): void {
    const touched = new Set<string>();
    this.snapshot.virtualServices = this.snapshot.virtualServices.replace(before, after, touched);
    for (const host of touched) this.changed.add(dependency.virtualService(host));
    this.changed.add(dependency.anyVirtualService);
    const key = (before ?? after)?.key;
    for (const gateway of new Set([...(before?.gateways ?? []), ...(after?.gateways ?? [])])) {
      if (gateway === "mesh") continue;
      const rest = (this.snapshot.gatewayRoutes.get(gateway) ?? []).filter((each) => each.key !== key);
      const list = after?.gateways.includes(gateway) ? [...rest, after].sort(byAge) : rest;
      this.snapshot.gatewayRoutes = this.snapshot.gatewayRoutes.edit([[gateway, list.length > 0 ? list : undefined]]);
      this.changed.add(dependency.gatewayRoutes(gateway));
    }
  }

  replaceDestinationRule(before: DestinationRule | undefined, after: DestinationRule | undefined): void {
    const touched = new Set<string>();
    this.snapshot.destinationRules = this.snapshot.destinationRules.replace(before, after, touched);
    for (const host of touched) this.changed.add(dependency.destinationRule(host));
  }

  replaceService(before: MeshService | undefined, after: MeshService | undefined): void {
    if (before && after && JSON.stringify(before) === JSON.stringify(after)) return;
    for (const host of new Set([before?.host, after?.host])) {
      if (host === undefined) continue;
      const rest = (this.snapshot.services.get(host) ?? []).filter(
        (each) => each.id !== before?.id && each.id !== after?.id,
      );
      const list = after?.host === host ? [...rest, after].sort(byAgeAndId) : rest;
      this.snapshot.services = this.snapshot.services.edit([[host, list.length > 0 ? list : undefined]]);
      this.changed.add(dependency.service(host));
    }
    if (before && before.id !== after?.id) this.setEndpoints(before.id, undefined);
    if (before || after) this.changed.add(dependency.services);
  }

  replaceEntry(before: Resource<ServiceEntrySpec> | undefined, after: Resource<ServiceEntrySpec> | undefined): void {
    const old = new Map((before ? servicesFromEntry(before) : []).map((each) => [each.host, each]));
    for (const service of after ? servicesFromEntry(after) : []) {
      this.replaceService(old.get(service.host), service);
      old.delete(service.host);
      this.setEndpoints(
        service.id,
        endpointsFromEntry(after as Resource<ServiceEntrySpec>, service.host, this.snapshot.mesh.trustDomain),
      );
    }
    for (const service of old.values()) this.replaceService(service, undefined);
  }

  setEndpoints(id: string, endpoints: readonly MeshEndpoint[] | undefined): void {
    const before = this.snapshot.endpoints.get(id);
    if (JSON.stringify(before) === JSON.stringify(endpoints)) return;
    // An endpoint that did not change stays the same object: what was encoded for it stays valid.
    const known = new Map(before?.map((each) => [JSON.stringify(each), each]));
    const kept = endpoints?.map((each) => known.get(JSON.stringify(each)) ?? each);
    this.snapshot.endpoints = this.snapshot.endpoints.edit([[id, kept]]);
    this.changed.add(dependency.endpoints(id));
  }

  replacePod(key: string, pod: PodRecord | undefined): void {
    const before = this.snapshot.pods.get(key);
    if (JSON.stringify(before) === JSON.stringify(pod)) return;
    this.snapshot.pods = this.snapshot.pods.edit([[key, pod]]);
    for (const ip of new Set([before?.ip, pod?.ip])) {
      if (ip === undefined) continue;
      const rest = (this.snapshot.podsByIp.get(ip) ?? []).filter((each) => each !== before);
      const list = pod?.ip === ip ? [...rest, pod].sort(byKey) : rest;
      this.snapshot.podsByIp = this.snapshot.podsByIp.edit([[ip, list.length > 0 ? list : undefined]]);
    }
    this.changed.add(dependency.pods);
  }
}

/** The oldest first; then by id, so that the order tells nothing of what came when. */
function byAgeAndId(a: MeshService, b: MeshService): number {
  return byAge({ created: a.created, key: a.id }, { created: b.created, key: b.id });
}

function byKey(a: PodRecord, b: PodRecord): number {
  return workloadKey(a) < workloadKey(b) ? -1 : 1;
}

function both<T>(
  before: Resource | undefined,
  after: Resource | undefined,
  make: (resource: Resource) => T,
): [T | undefined, T | undefined] {
  return [before && make(before), after && make(after)];
}

function podsOf(record: EndpointsRecord | undefined): string[] {
  return (record?.subsets ?? []).flatMap((subset) => subset.addresses.flatMap((each) => (each.pod ? [each.pod] : [])));
}

function sourceLabels(rule: VirtualService): string[] {
  const matches = [...(rule.spec.http ?? []), ...(rule.spec.tls ?? []), ...(rule.spec.tcp ?? [])].flatMap(
    (each) => each.match ?? [],
  );
  return matches.flatMap((match) => Object.keys(match.sourceLabels ?? {}));
}
