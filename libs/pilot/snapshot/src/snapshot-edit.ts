import { type PodRecord, workloadKey } from "@xebec/model-workloads";
import { type MeshEndpoint, type MeshService, mergeDefinitions, type ServiceDefinition } from "@xebec/pilot-registry";
import { byAge, withReplaced } from "./host-index.ts";
import type { Mesh } from "./mesh.ts";
import type { DestinationRule, EntryServices, Gateway, PeerAuthentication, VirtualService } from "./rules.ts";
import { dependency, type Snapshot } from "./snapshot.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The next snapshot while it is being made: every change notes the dependency keys of what it touches. */
export class Edit {
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
    for (const gateway of new Set([...(before?.gateways ?? []), ...(after?.gateways ?? [])])) {
      if (gateway === "mesh") continue;
      const list = withReplaced(
        this.snapshot.gatewayRoutes.get(gateway) ?? [],
        before?.gateways.includes(gateway) ? before : undefined,
        after?.gateways.includes(gateway) ? after : undefined,
      );
      this.snapshot.gatewayRoutes = this.snapshot.gatewayRoutes.edit([[gateway, list.length > 0 ? list : undefined]]);
      this.changed.add(dependency.gatewayRoutes(gateway));
    }
  }

  replaceDestinationRule(before: DestinationRule | undefined, after: DestinationRule | undefined): void {
    const touched = new Set<string>();
    this.snapshot.destinationRules = this.snapshot.destinationRules.replace(before, after, touched);
    for (const host of touched) this.changed.add(dependency.destinationRule(host));
  }

  /** A service was defined anew, or is no more; its endpoints stay until they are set. */
  replaceService(before: MeshService | undefined, after: MeshService | undefined): void {
    if (before && before.id !== after?.id) this.#define(before, undefined);
    if (after) this.#define(after, { service: after, endpoints: this.#defined(after)?.endpoints ?? [] });
  }

  replaceEntry(before: EntryServices | undefined, after: EntryServices | undefined): void {
    const old = new Map((before?.services ?? []).map((each) => [each.host, each]));
    for (const service of after?.services ?? []) {
      old.delete(service.host);
      const endpoints = after?.endpointsOf(service.host, this.snapshot.mesh.trustDomain) ?? [];
      this.#define(service, { service, endpoints });
    }
    for (const service of old.values()) this.#define(service, undefined);
  }

  setEndpoints(service: MeshService, endpoints: readonly MeshEndpoint[]): void {
    this.#define(service, { service, endpoints });
  }

  #defined(service: MeshService): ServiceDefinition | undefined {
    return this.snapshot.definitions.get(groupOf(service))?.find((each) => each.service.id === service.id);
  }

  /** Takes one definition of a host, or its end, and makes the services of the host in that namespace anew. */
  #define(service: MeshService, next: ServiceDefinition | undefined): void {
    const group = groupOf(service);
    const before = this.snapshot.definitions.get(group) ?? [];
    const rest = before.filter((each) => each.service.id !== service.id);
    const after = next ? [...rest, next].sort((a, b) => byAgeAndId(a.service, b.service)) : rest;
    const merged = mergeDefinitions(after);
    this.snapshot.definitions = this.snapshot.definitions.edit([[group, after.length > 0 ? after : undefined]]);
    const old = new Map((this.snapshot.services.get(service.host) ?? []).map((each) => [each.id, each]));
    for (const { service: one, endpoints } of merged) {
      this.#putService(old.get(one.id), one);
      this.#putEndpoints(one.id, endpoints);
    }
    for (const each of old.values())
      if (each.namespace === service.namespace && !merged.some((one) => one.service.id === each.id)) {
        this.#putService(each, undefined);
        this.#putEndpoints(each.id, undefined);
      }
  }

  #putService(before: MeshService | undefined, after: MeshService | undefined): void {
    if (JSON.stringify(before) === JSON.stringify(after)) return;
    const host = (before ?? after)?.host;
    if (host === undefined) return;
    const rest = (this.snapshot.services.get(host) ?? []).filter((each) => each.id !== before?.id);
    const list = after ? [...rest, after].sort(byAgeAndId) : rest;
    this.snapshot.services = this.snapshot.services.edit([[host, list.length > 0 ? list : undefined]]);
    this.changed.add(dependency.service(host));
    this.changed.add(dependency.services);
  }

  replaceGateway(before: Gateway | undefined, after: Gateway | undefined): void {
    this.snapshot.gateways = withReplaced(this.snapshot.gateways, before, after);
    this.changed.add(dependency.gateways);
  }

  replacePeerAuthentication(before: PeerAuthentication | undefined, after: PeerAuthentication | undefined): void {
    const one = before ?? after;
    if (!one) return;
    const { namespace } = one;
    const list = withReplaced(this.snapshot.peerAuthentications.get(namespace) ?? [], before, after);
    this.snapshot.peerAuthentications = this.snapshot.peerAuthentications.edit([
      [namespace, list.length > 0 ? list : undefined],
    ]);
    this.changed.add(dependency.peerAuthentication(namespace));
  }

  #putEndpoints(id: string, endpoints: readonly MeshEndpoint[] | undefined): void {
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

/** The key of `Snapshot.definitions`. */
function groupOf(service: MeshService): string {
  return `${service.host}@${service.namespace}`;
}

/** The oldest first; then by id, so that the order tells nothing of what came when. */
function byAgeAndId(a: MeshService, b: MeshService): number {
  return byAge({ created: a.created, key: a.id }, { created: b.created, key: b.id });
}

function byKey(a: PodRecord, b: PodRecord): number {
  return workloadKey(a) < workloadKey(b) ? -1 : 1;
}
