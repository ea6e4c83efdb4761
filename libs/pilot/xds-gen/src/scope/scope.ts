import type { MeshEndpoint, MeshService } from "@xebec/pilot-registry";
import {
  type DestinationRule,
  dependency,
  destinationRulesOf,
  type Gateway,
  gatewaysOf,
  type Mesh,
  type Query,
  type Snapshot,
  serviceSeenFrom,
  type VirtualService,
  virtualServiceOf,
  virtualServicesOfGateway,
  virtualServicesOfSidecars,
} from "@xebec/pilot-snapshot";
import type { ResourceCache } from "../engine/resource-cache.ts";
import type { Patch, PatchPoint, PatchSource } from "../patch/patch.ts";
import type { Keyed } from "./keyed.ts";
import type { ProxyClass } from "./proxy-class.ts";

const NO_ENDPOINTS: readonly MeshEndpoint[] = [];
const NO_GATEWAYS: readonly Gateway[] = [];
/** Takes keys that nobody asks for. */
const NOWHERE = { add(): void {} };
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
    const entry = cache.find(key, name) ?? cache.make(key, name, (reads) => make(this.#within(reads)));
    this.#note(entry.mark);
    return entry.value as T;
  }

  /**
   * The same for values that are made of an input: those of equal inputs are one.
   * @param name names what is made
   * @param input all that `make` may read beside the scope
   */
  cachedFor<I extends Keyed<object>, T>(name: string, input: I, make: (scope: Scope, input: I) => T): T {
    const { key } = this.proxyClass;
    const { cache } = this.#sources;
    const entry =
      cache.find(key, name, input.key) ?? cache.make(key, name, (reads) => make(this.#within(reads), input), input.key);
    this.#note(entry.mark);
    return entry.value as T;
  }

  /**
   * The same for values about objects that the caller has found: they depend on the objects' definitions, too.
   * @param name names it within the class; it holds all that decides about the value beside what `make` reads
   * @param objects a service, or VirtualServices
   */
  cachedOf<T>(name: string, objects: MeshService | readonly VirtualService[], make: (scope: Scope) => T): T {
    return this.cached(name, (inner) => {
      if ("host" in objects) inner.#note(dependency.service(objects.host));
      else for (const { hosts } of objects) for (const host of hosts) inner.#note(dependency.virtualService(host));
      return make(inner);
    });
  }

  #within(reads: Set<string>): Scope {
    return new Scope(this.#sources, this.proxyClass, reads);
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

  /**
   * Answers a query of a kind's module, and notes what the answer depends on. What few builders ask needs no method here: they read
   * the query itself.
   */
  read<Args extends readonly unknown[], Found>(query: Query<Snapshot, Args, Found>, ...args: Args): Found {
    return query.run(this.#snapshot, this.#reads ?? NOWHERE, ...args);
  }

  /** The settings of the mesh. Everything depends on them. */
  get mesh(): Mesh {
    return this.#snapshot.mesh;
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

  /** The VirtualService that owns a host for sidecars. @param rules only one that has such rules counts */
  virtualService(host: string, rules: "http" | "tls" | "tcp"): VirtualService | undefined {
    return this.read(virtualServiceOf, host, rules, this.proxyClass.namespace);
  }

  /** All VirtualServices for sidecars that the class sees. */
  virtualServices(): Iterable<VirtualService> {
    return this.read(virtualServicesOfSidecars, this.proxyClass.namespace);
  }

  /** The Gateways that select the class, the oldest first. */
  gateways(): readonly Gateway[] {
    return this.proxyClass.type === "router" ? this.read(gatewaysOf, this.proxyClass.labels) : NO_GATEWAYS;
  }

  /** The VirtualServices attached to a Gateway that the class sees, the oldest first. */
  gatewayRoutes({ namespace, name }: Gateway): readonly VirtualService[] {
    return this.read(virtualServicesOfGateway, `${namespace}/${name}`, this.proxyClass.namespace);
  }

  /** The DestinationRules for a service, as they are merged. @param direction inbound: for the server's own side */
  destinationRules(service: MeshService, direction: "inbound" | "outbound" = "outbound"): readonly DestinationRule[] {
    return this.read(destinationRulesOf, service, direction, this.proxyClass);
  }
}

function byAge(a: MeshService, b: MeshService): number {
  return a.created === b.created ? compare(a.host, b.host) : compare(a.created, b.created);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
