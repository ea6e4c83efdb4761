import type { ProxyConfig } from "@xebec/model-resources";
import type { PodRecord } from "@xebec/model-workloads";
import type { MeshEndpoint, MeshService } from "@xebec/pilot-registry";
import {
  type DestinationRule,
  dependency,
  destinationRulesOf,
  type EgressListener,
  egressCovers,
  type Gateway,
  gatewaysOf,
  hasLabelFailover,
  type Mesh,
  type Query,
  type Sidecar,
  type Snapshot,
  serviceSeenFrom,
  sidecarNamed,
  type VirtualService,
  virtualServiceOf,
  virtualServicesOfGateway,
  virtualServicesOfSidecars,
} from "@xebec/pilot-snapshot";
import type { ResourceCache } from "../engine/resource-cache.ts";
import type { Addition, AdditionKind, Patch, PatchPoint, PatchSource } from "../patch/patch.ts";
import { coveredServices, coveredVirtualServices, type Egress } from "./egress.ts";
import { importedHosts } from "./imported-services.ts";
import type { Keyed } from "./keyed.ts";
import { type OutboundPolicy, outboundPolicyOf } from "./outbound-policy.ts";
import { withOwn } from "./own-proxy-config.ts";
import type { ProxyClass } from "./proxy-class.ts";

const NO_ENDPOINTS: readonly MeshEndpoint[] = [];
const NO_GATEWAYS: readonly Gateway[] = [];
/** Discards dependency keys. */
const NOWHERE = { add(): void {} };
const NO_PATCHES: readonly Patch<Scope>[] = [];
const NO_ADDITIONS: readonly Addition<Scope>[] = [];

/** What all scopes of a snapshot share. */
export interface ScopeSources {
  readonly snapshot: Snapshot;
  readonly cache: ResourceCache;
  /** Sources of patches. */
  readonly patches: readonly PatchSource<Scope>[];
}

/**
 * What a class of proxies may see, and the only reader of the snapshot. Every method records the dependency keys of what it reads:
 * values made with a scope are valid until one of these keys changes. The snapshot is private, so that untracked reads do not compile.
 */
export class Scope {
  /** All that is known about the proxies: its key is that of the cache. */
  readonly proxyClass: ProxyClass;

  readonly #sources: ScopeSources;
  readonly #snapshot: Snapshot;
  readonly #reads: Set<string> | undefined;

  /**
   * @param reads receives the dependency keys of all reads; absent for a single lookup, of which there is one for each proxy and change
   */
  constructor(sources: ScopeSources, proxyClass: ProxyClass, reads?: Set<string>) {
    this.#sources = sources;
    this.#snapshot = sources.snapshot;
    this.proxyClass = proxyClass;
    this.#reads = reads;
    this.note(dependency.mesh);
  }

  /** Notes a key that what is made here depends on, or the mark of a patch that is in it. */
  note(key: string): void {
    this.#reads?.add(key);
  }

  /**
   * A value that is made once for the class, and cached until something that it read changes.
   * @param name unique within the class
   */
  cached<T>(name: string, make: (scope: Scope) => T): T {
    const { key } = this.proxyClass;
    const { cache } = this.#sources;
    const entry = cache.find(key, name) ?? cache.make(key, name, (reads) => make(this.#within(reads)));
    this.note(entry.mark);
    return entry.value as T;
  }

  /**
   * The same for a value that takes long to make, in steps.
   * @param make does the same whether other things happen between its steps or not
   */
  *cachedInSteps<T>(name: string, make: (scope: Scope) => Generator<undefined, T>): Generator<undefined, T> {
    const { key } = this.proxyClass;
    const { cache } = this.#sources;
    const entry = cache.find(key, name) ?? (yield* cache.makeInSteps(key, name, (reads) => make(this.#within(reads))));
    this.note(entry.mark);
    return entry.value as T;
  }

  /**
   * The same for a value that is made from an input. Equal inputs share one value.
   * @param name unique within the class for this use
   * @param input all that `make` may read besides the scope
   */
  cachedFor<I extends Keyed<object>, T>(name: string, input: I, make: (scope: Scope, input: I) => T): T {
    const { key } = this.proxyClass;
    const { cache } = this.#sources;
    const entry =
      cache.find(key, name, input.key) ?? cache.make(key, name, (reads) => make(this.#within(reads), input), input.key);
    this.note(entry.mark);
    return entry.value as T;
  }

  /**
   * The same for a value about objects that were read before. The value depends on the definitions of these objects, too.
   * @param name unique within the class; contains everything else that determines the value, besides what `make` reads
   * @param objects a service, or VirtualServices
   */
  cachedOf<T>(name: string, objects: MeshService | readonly VirtualService[], make: (scope: Scope) => T): T {
    return this.cached(name, (inner) => {
      // What there is of a service for proxies with a Sidecar depends on that, too.
      if (this.proxyClass.sidecar !== undefined) inner.note(dependency.sidecar(this.proxyClass.sidecar));
      if ("host" in objects) inner.note(dependency.service(objects.host));
      else for (const { hosts } of objects) for (const host of hosts) inner.note(dependency.virtualService(host));
      return make(inner);
    });
  }

  #within(reads: Set<string>): Scope {
    return new Scope(this.#sources, this.proxyClass, reads);
  }

  /** True when a value of this name is cached. */
  isCached(name: string): boolean {
    return this.#sources.cache.find(this.proxyClass.key, name) !== undefined;
  }

  /** True when some source has patches for the class: without any, resources need no patching. They are for Envoy's form alone. */
  get isPatched(): boolean {
    if (this.proxyClass.generator) return false;
    return this.#sources.patches.some((each) => each.concerns?.(this.proxyClass) ?? true);
  }

  /** The patches of the class at a point, in the order in which they apply. */
  patches(point: PatchPoint): readonly Patch<Scope>[] {
    if (!this.isPatched) return NO_PATCHES;
    return this.cached(`patches/${point}`, (inner) =>
      inner.#patchSources().flatMap((each) => each.patches(inner, point)),
    );
  }

  /** What is added for the class, in the order in which it is. */
  additions(kind: AdditionKind): readonly Addition<Scope>[] {
    if (!this.isPatched) return NO_ADDITIONS;
    return this.cached(`additions/${kind}`, (inner) =>
      inner.#patchSources().flatMap((each) => each.additions?.(inner, kind) ?? []),
    );
  }

  #patchSources(): readonly PatchSource<Scope>[] {
    return this.#sources.patches.filter((each) => each.concerns?.(this.proxyClass) ?? true);
  }

  /**
   * Runs a query of a kind's module and records what the answer depends on. A query that few builders need gets no method here.
   */
  read<Args extends readonly unknown[], Found>(query: Query<Snapshot, Args, Found>, ...args: Args): Found {
    return query.run(this.#snapshot, this.#reads ?? NOWHERE, ...args);
  }

  /** The mesh configuration. Every value depends on it. */
  get mesh(): Mesh {
    return this.#snapshot.mesh;
  }

  /** What holds for the proxies: the mesh configuration's `defaultConfig`, and what they say themselves. */
  get proxyConfig(): ProxyConfig {
    return withOwn(this.mesh.proxyConfig, this.proxyClass.proxyConfig);
  }

  /** The Sidecar of the class, if it has one. */
  get sidecar(): Sidecar | undefined {
    const { sidecar } = this.proxyClass;
    return sidecar === undefined ? undefined : this.read(sidecarNamed, sidecar);
  }

  /** What happens to traffic to destinations that nobody knows. */
  get outboundPolicy(): OutboundPolicy {
    return outboundPolicyOf(this.mesh, this.sidecar);
  }

  /**
   * The service that a host means for the class: of several, one that its Sidecar covers. Others are those to which rules lead.
   */
  service(host: string): MeshService | undefined {
    this.note(dependency.service(host));
    const list = this.#snapshot.services.get(host);
    const { namespace } = this.proxyClass;
    const egress = list && list.length > 1 ? this.sidecar?.egress : undefined;
    const covered =
      egress && list?.filter((each) => egress.some((one) => egressCovers(one, namespace, each.namespace, [host])));
    return serviceSeenFrom(covered?.length ? covered : list, namespace, this.mesh.exportTo.service);
  }

  /** The host that takes what is for a host: where that is another name for a service of the mesh, the service's own. */
  target(host: string): string {
    const seen = new Set<string>();
    for (let found = host; ; ) {
      const { alias } = this.service(found) ?? {};
      seen.add(found);
      if (alias === undefined || seen.has(alias) || !this.service(alias)) return found;
      found = alias;
    }
  }

  /** True when the hosts of some service of the mesh are looked up when they are called. */
  hasDynamicServices(): boolean {
    this.note(dependency.dynamicServices);
    return this.#snapshot.dynamicServices > 0;
  }

  /** The service that a namespace defines for a host, visible or not. */
  serviceOf(host: string, namespace: string): MeshService | undefined {
    this.note(dependency.service(host));
    return this.#snapshot.services.get(host)?.find((each) => each.namespace === namespace);
  }

  /** True when some namespace defines a service for a host, visible or not. */
  hasService(host: string): boolean {
    this.note(dependency.service(host));
    return this.#snapshot.services.has(host);
  }

  /**
   * All services of the class, one for each host, oldest first: those that are visible to it or, where it has a Sidecar, those that the
   * Sidecar's egress covers, and those to which rules lead that it covers.
   */
  services(): readonly MeshService[] {
    return this.cached("services", (inner) => inner.#seenServices());
  }

  #seenServices(): readonly MeshService[] {
    const seen = new Map<string, MeshService>();
    if (this.sidecar) {
      for (const { services } of this.egress())
        for (const service of services) if (!seen.has(service.host)) seen.set(service.host, service);
      for (const host of importedHosts(this.mesh, this.outboundPolicy, this.virtualServices())) {
        const service = seen.has(host) ? undefined : this.service(host);
        if (service) seen.set(host, service);
      }
    } else {
      this.note(dependency.services);
      for (const list of this.#snapshot.services.values()) {
        const service = serviceSeenFrom(list, this.proxyClass.namespace, this.mesh.exportTo.service);
        if (service) seen.set(service.host, service);
      }
    }
    return [...seen.values()].sort(byAge);
  }

  /** The listeners of the Sidecar's egress with the services that each covers; one for all services where there is no Sidecar. */
  egress(): readonly Egress[] {
    if (this.proxyClass.sidecar === undefined) return [{ services: this.services() }];
    return this.cached("egress", (inner) =>
      (inner.sidecar?.egress ?? []).map((listener) => ({
        listener,
        services: [
          ...coveredServices(inner.#snapshot, inner.#reads ?? NOWHERE, listener, inner.proxyClass.namespace),
        ].sort(byAge),
      })),
    );
  }

  /** The listener of the egress for a port; the one without a port where no other has it. @returns undefined where there is none */
  egressAt(port: number): Egress | undefined {
    const all = this.egress();
    return all.find(({ listener }) => listener?.port?.number === port) ?? all.find(({ listener }) => !listener?.port);
  }

  /** Whether the Sidecar's egress covers a rule, for calls to a port. */
  #imports(rule: VirtualService, port: number | undefined): boolean {
    const egress = this.sidecar?.egress;
    if (!egress) return true;
    const own = port === undefined ? [] : egress.filter((each) => each.port?.number === port);
    const listeners = own.length > 0 ? own : egress.filter((each) => !each.port || each.port.number === 0);
    return listeners.some((each) => this.#covers(each, rule));
  }

  #covers(listener: EgressListener, { namespace, hosts }: VirtualService): boolean {
    return egressCovers(listener, this.proxyClass.namespace, namespace, hosts);
  }

  /** All services of the class's namespace, visible or not, oldest first. */
  ownServices(): readonly MeshService[] {
    const { namespace } = this.proxyClass;
    this.note(dependency.servicesOf(namespace));
    return this.#snapshot.servicesByNamespace.get(namespace) ?? [];
  }

  endpoints(service: MeshService): readonly MeshEndpoint[] {
    this.note(dependency.endpoints(service.id));
    return this.#snapshot.endpoints.get(service.id) ?? NO_ENDPOINTS;
  }

  /**
   * The number of a named container port in a pod of the class's namespace. The pod is found by name, else by address.
   * @returns undefined when there is no such pod or port
   */
  containerPort(pod: { readonly name: string; readonly ip: string }, portName: string): number | undefined {
    return this.pod(pod)?.ports.find((port) => port.name === portName)?.containerPort;
  }

  /** A pod of the class's namespace, by its name, else by its address. */
  pod({ name, ip }: { readonly name: string; readonly ip: string }): PodRecord | undefined {
    this.note(dependency.pods);
    return this.#snapshot.pods.get(`${this.proxyClass.namespace}/${name}`) ?? this.#snapshot.podsByIp.get(ip)?.[0];
  }

  /** True when some rule prefers endpoints by their labels. */
  hasLabelFailover(): boolean {
    return (this.mesh.localityLb.failoverPriority?.length ?? 0) > 0 || this.read(hasLabelFailover);
  }

  /**
   * The VirtualService that owns a host for sidecars.
   * @param rules only one that has such rules counts
   * @param port that is called: the Sidecar may cover others there
   */
  virtualService(host: string, rules: "http" | "tls" | "tcp", port?: number): VirtualService | undefined {
    const { namespace, sidecar } = this.proxyClass;
    if (sidecar === undefined) return this.read(virtualServiceOf, host, rules, namespace);
    return this.read(virtualServiceOf, host, rules, namespace, (rule) => this.#imports(rule, port));
  }

  /** All VirtualServices for sidecars that are visible to the class and that its Sidecar covers. */
  virtualServices(): Iterable<VirtualService> {
    const { sidecar } = this;
    if (!sidecar) return this.read(virtualServicesOfSidecars, this.proxyClass.namespace);
    const covered = new Set<VirtualService>();
    for (const listener of sidecar.egress)
      for (const rule of coveredVirtualServices(
        this.#snapshot,
        this.#reads ?? NOWHERE,
        listener,
        this.proxyClass.namespace,
      ))
        covered.add(rule);
    const visible = new Set(virtualServicesOfSidecars.run(this.#snapshot, NOWHERE, this.proxyClass.namespace));
    return [...visible].filter((rule) => covered.has(rule));
  }

  /** The Gateways that select the class, oldest first. */
  gateways(): readonly Gateway[] {
    return this.proxyClass.type === "router" ? this.read(gatewaysOf, this.proxyClass) : NO_GATEWAYS;
  }

  /** The VirtualServices attached to a Gateway that are visible to the class, oldest first. */
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
