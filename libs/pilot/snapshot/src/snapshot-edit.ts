import { type PodRecord, workloadKey } from "@xebec/model-workloads";
import type { MeshEndpoint, MeshService } from "@xebec/pilot-registry";
import { byAge } from "./host-index.ts";
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

  replaceEntry(before: EntryServices | undefined, after: EntryServices | undefined): void {
    const old = new Map((before?.services ?? []).map((each) => [each.host, each]));
    for (const service of after?.services ?? []) {
      this.replaceService(old.get(service.host), service);
      old.delete(service.host);
      this.setEndpoints(service.id, after?.endpointsOf(service.host, this.snapshot.mesh.trustDomain));
    }
    for (const service of old.values()) this.replaceService(service, undefined);
  }

  replaceGateway(before: Gateway | undefined, after: Gateway | undefined): void {
    const key = (before ?? after)?.key;
    const rest = this.snapshot.gateways.filter((each) => each.key !== key);
    this.snapshot.gateways = after ? [...rest, after].sort(byAge) : rest;
    this.changed.add(dependency.gateways);
  }

  replacePeerAuthentication(before: PeerAuthentication | undefined, after: PeerAuthentication | undefined): void {
    const one = before ?? after;
    if (!one) return;
    const { namespace, key } = one;
    const rest = (this.snapshot.peerAuthentications.get(namespace) ?? []).filter((each) => each.key !== key);
    const list = after ? [...rest, after].sort(byAge) : rest;
    this.snapshot.peerAuthentications = this.snapshot.peerAuthentications.edit([
      [namespace, list.length > 0 ? list : undefined],
    ]);
    this.changed.add(dependency.peerAuthentication(namespace));
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
