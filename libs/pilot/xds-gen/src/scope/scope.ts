import { labelsMatch } from "@xebec/model-names";
import { isVisible, type MeshEndpoint, type MeshService } from "@xebec/pilot-registry";
import {
  type DestinationRule,
  dependency,
  type Gateway,
  hasSelector,
  type Mesh,
  type MixerHooks,
  mergesWith,
  type PeerAuthentication,
  type Snapshot,
  serviceSeenFrom,
  type VirtualService,
} from "@xebec/pilot-snapshot";
import type { ResourceCache } from "../engine/resource-cache.ts";
import type { Patch, PatchPoint, PatchSource } from "../patch/patch.ts";
import type { Keyed } from "./keyed.ts";
import { isSelected, type ProxyClass } from "./proxy-class.ts";

const NO_ENDPOINTS: readonly MeshEndpoint[] = [];
const NO_POLICIES: readonly PeerAuthentication[] = [];
const NO_PATCHES: readonly Patch<Scope>[] = [];

/** What all scopes of one moment have in common. */
export interface ScopeSources {
  readonly snapshot: Snapshot;
  readonly cache: ResourceCache;
  /** Where late changes of what is built come from. */
  readonly patches: readonly PatchSource<Scope>[];
}

/**
 * What a class of proxies may see, and the only reader of the snapshot. Each method notes the dependency key of what it reads; what
 * is made with it is valid until one of them changes. There is no other way to the snapshot, so nothing can be read that is not
 * noted.
 */
export class Scope {
  /** What is known of the proxies. Nothing else of a proxy is: it is what the cache knows them by. */
  readonly proxyClass: ProxyClass;

  readonly #sources: ScopeSources;
  readonly #snapshot: Snapshot;
  readonly #reads: Set<string> | undefined;

  /**
   * @param reads gets the dependency keys of what is read; absent where nobody asks, as for a single look-up, of which there is
   * one for each proxy and change
   */
  constructor(sources: ScopeSources, proxyClass: ProxyClass, reads?: Set<string>) {
    this.#sources = sources;
    this.#snapshot = sources.snapshot;
    this.proxyClass = proxyClass;
    this.#reads = reads;
    this.#note(dependency.mesh);
  }

  #note(key: string): void {
    this.#reads?.add(key);
  }

  /**
   * A value that is made once for the class, and shared until something that it read changes.
   * @param name names it within the class
   */
  cached<T>(name: string, make: (scope: Scope) => T): T {
    const { key } = this.proxyClass;
    const { cache } = this.#sources;
    const entry =
      cache.find(key, name) ?? cache.make(key, name, (reads) => make(new Scope(this.#sources, this.proxyClass, reads)));
    this.#note(entry.mark);
    return entry.value as T;
  }

  /**
   * The same for values that are made of an input: those of equal inputs are one.
   * @param name names what is made
   * @param input all that `make` may read beside the scope; its key is a part of the name
   */
  cachedFor<I extends Keyed<object>, T>(name: string, input: I, make: (scope: Scope, input: I) => T): T {
    return this.cached(`${name}/${input.key}`, (inner) => make(inner, input));
  }

  /** True when there is a value of this name already. */
  isCached(name: string): boolean {
    return this.#sources.cache.find(this.proxyClass.key, name) !== undefined;
  }

  /** True when something may patch what is built: only then it is worth asking for patches. */
  get isPatched(): boolean {
    return this.#sources.patches.length > 0;
  }

  /** The patches of the class at a point, in the order in which they apply. */
  patches(point: PatchPoint): readonly Patch<Scope>[] {
    const { patches: sources } = this.#sources;
    if (sources.length === 0) return NO_PATCHES;
    return this.cached(`patches/${point}`, (inner) => sources.flatMap((each) => each.patches(inner, point)));
  }

  /** The settings of the mesh. Everything depends on them. */
  get mesh(): Mesh {
    return this.#snapshot.mesh;
  }

  /**
   * Notes that an object's own definition is read by a value that is made of the object.
   * @param object a service, or a VirtualService by its hosts
   */
  dependsOn(object: MeshService | VirtualService): void {
    if ("host" in object) this.#note(dependency.service(object.host));
    else for (const host of object.hosts) this.#note(dependency.virtualService(host));
  }

  /** The service that the class means by a host. */
  service(host: string): MeshService | undefined {
    this.#note(dependency.service(host));
    return serviceSeenFrom(this.#snapshot.services.get(host), this.proxyClass.namespace);
  }

  /** The service that a namespace defines for a host, seen or not. */
  serviceOf(host: string, namespace: string): MeshService | undefined {
    this.#note(dependency.service(host));
    return this.#snapshot.services.get(host)?.find((each) => each.namespace === namespace);
  }

  /** True when some namespace defines a service for a host, seen or not. */
  hasService(host: string): boolean {
    this.#note(dependency.services);
    return this.#snapshot.services.has(host);
  }

  /** All services that the class sees, one for each host, the oldest first. */
  services(): readonly MeshService[] {
    return this.cached("services", (inner) => inner.#seenServices());
  }

  #seenServices(): readonly MeshService[] {
    this.#note(dependency.services);
    const seen: MeshService[] = [];
    for (const list of this.#snapshot.services.values()) {
      const service = serviceSeenFrom(list, this.proxyClass.namespace);
      if (service) seen.push(service);
    }
    return seen.sort(byAge);
  }

  /** All services that the class's own namespace defines, seen or not, the oldest first. */
  ownServices(): readonly MeshService[] {
    return this.cached("services/own", (inner) => inner.#servicesOf(this.proxyClass.namespace));
  }

  #servicesOf(namespace: string): readonly MeshService[] {
    this.#note(dependency.services);
    const own = [...this.#snapshot.services.values()].flat().filter((each) => each.namespace === namespace);
    return own.sort(byAge);
  }

  endpoints(service: MeshService): readonly MeshEndpoint[] {
    this.#note(dependency.endpoints(service.id));
    return this.#snapshot.endpoints.get(service.id) ?? NO_ENDPOINTS;
  }

  /**
   * The number of a container's port in a pod of the class's namespace; the pod is found by its name, else by its address.
   * @returns undefined when there is no such pod, or it has no port of this name
   */
  containerPort(pod: { readonly name: string; readonly ip: string }, portName: string): number | undefined {
    this.#note(dependency.pods);
    const found =
      this.#snapshot.pods.get(`${this.proxyClass.namespace}/${pod.name}`) ?? this.#snapshot.podsByIp.get(pod.ip)?.[0];
    return found?.ports.find((port) => port.name === portName)?.containerPort;
  }

  /**
   * The VirtualService that owns a host for sidecars: the most specific host, then the oldest.
   * @param kind only one that has such rules counts: one for TCP alone leaves HTTP to the next
   */
  virtualService(host: string, kind: "http" | "tls" | "tcp"): VirtualService | undefined {
    this.#note(dependency.virtualService(host));
    this.#note(dependency.virtualService("*"));
    return this.#snapshot.virtualServices.find(
      host,
      (each) => (each.spec[kind]?.length ?? 0) > 0 && this.#isForSidecars(each),
    )[0];
  }

  /** All VirtualServices for sidecars that the class sees. */
  *virtualServices(): Iterable<VirtualService> {
    this.#note(dependency.anyVirtualService);
    for (const each of this.#snapshot.virtualServices.all()) if (this.#isForSidecars(each)) yield each;
  }

  #isForSidecars({ gateways, exportTo, namespace }: VirtualService): boolean {
    return gateways.includes("mesh") && isVisible(exportTo, namespace, this.proxyClass.namespace);
  }

  /** The Gateways that select the class, the oldest first. */
  gateways(): readonly Gateway[] {
    this.#note(dependency.gateways);
    return this.#snapshot.gateways.filter((each) => isSelected(each.spec.selector, this.proxyClass));
  }

  /** The VirtualServices attached to a Gateway that the class sees, the oldest first. */
  gatewayRoutes(gateway: Gateway): readonly VirtualService[] {
    const id = `${gateway.namespace}/${gateway.name}`;
    this.#note(dependency.gatewayRoutes(id));
    const attached = this.#snapshot.gatewayRoutes.get(id) ?? [];
    return attached.filter((each) => isVisible(each.exportTo, each.namespace, this.proxyClass.namespace));
  }

  /**
   * The DestinationRules for a service, merged order: the proxy's namespace first (unless that is the root namespace, whose
   * rules are meant for everybody), then the service's, then the root namespace. Of several for the same host the oldest that
   * selects this proxy holds, else the oldest for all, with those that merge with it, the oldest first
   * (docs/reference/pilot.md §3.2).
   * @param direction inbound: for the server's own side, where rules for some workloads, which are for clients, do not count
   */
  destinationRules(service: MeshService, direction: "inbound" | "outbound" = "outbound"): readonly DestinationRule[] {
    this.#note(dependency.destinationRule(service.host));
    this.#note(dependency.destinationRule("*"));
    const { namespace } = this.proxyClass;
    const root = this.#snapshot.mesh.rootNamespace;
    for (const owner of new Set(
      namespace === root ? [service.namespace, root] : [namespace, service.namespace, root],
    )) {
      // To whom a rule is exported says nothing of its own namespace, which always sees it.
      const isSeen = (rule: DestinationRule): boolean =>
        owner === namespace || isVisible(rule.exportTo, owner, namespace);
      const found = this.#snapshot.destinationRules.find(
        service.host,
        (rule) =>
          rule.namespace === owner &&
          isSeen(rule) &&
          (direction === "inbound" ? !hasSelector(rule) : selects(rule, this.proxyClass)),
      );
      const oldest = found.find(hasSelector) ?? found[0];
      if (oldest) return found.filter((rule) => mergesWith(oldest, rule));
    }
    return [];
  }

  /** The PeerAuthentications of a namespace, the oldest first. */
  peerAuthentications(namespace: string): readonly PeerAuthentication[] {
    this.#note(dependency.peerAuthentication(namespace));
    return this.#snapshot.peerAuthentications.get(namespace) ?? NO_POLICIES;
  }

  /** What Mixer's configuration asks of proxies. */
  mixer(): MixerHooks {
    this.#note(dependency.mixer);
    return this.#snapshot.mixer;
  }
}

/** A rule with a workload selector is only for proxies of its namespace that have these labels. */
function selects(rule: DestinationRule, { namespace, labels }: ProxyClass): boolean {
  if (!hasSelector(rule)) return true;
  return rule.namespace === namespace && labelsMatch(rule.spec.workloadSelector?.matchLabels, labels);
}

function byAge(a: MeshService, b: MeshService): number {
  return a.created === b.created ? compare(a.host, b.host) : compare(a.created, b.created);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
