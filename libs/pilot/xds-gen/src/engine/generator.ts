import type { Turns } from "@xebec/core-async";
import type { Snapshot } from "@xebec/pilot-snapshot";
import type { EncodedResource } from "../encode/encoded.ts";
import type { PatchSource } from "../patch/patch.ts";
import { PATCH_SOURCES } from "../patch/sources.ts";
import type { MeshProxy } from "../scope/proxy.ts";
import { classOf, type ProxyClass } from "../scope/proxy-class.ts";
import { Scope, type ScopeSources } from "../scope/scope.ts";
import { type Workload, workloadOf } from "../scope/workload.ts";
import { type NameSet, NO_NAMES } from "./names.ts";
import { ResourceCache } from "./resource-cache.ts";
import type { ResourceSet } from "./resource-set.ts";
import type { ResourceRequest, ResourceType } from "./resource-type.ts";
import { RESOURCE_TYPES, resourceType, type XdsType } from "./resource-types.ts";

/**
 * Makes the resources of every proxy from a snapshot. Pure but for its cache: what did not change is not made again, and
 * proxies that are alike get the very same objects.
 */
export class Generator {
  readonly #cache = new ResourceCache();
  readonly #patches: readonly PatchSource<Scope>[];
  readonly #types: readonly ResourceType[];
  #sources: ScopeSources;
  #epoch = 0;

  /**
   * @param patches where late changes of what is built come from
   * @param types the table of resource types
   */
  constructor(snapshot: Snapshot, patches = PATCH_SOURCES, types: readonly ResourceType[] = RESOURCE_TYPES) {
    this.#patches = patches;
    this.#types = types;
    this.#sources = { snapshot, cache: this.#cache, patches };
  }

  /** Changes with each update: the same call gives the same resources until then. */
  get epoch(): number {
    return this.#epoch;
  }

  get snapshot(): Snapshot {
    return this.#sources.snapshot;
  }

  /** Goes on to a newer snapshot; everything that read one of these keys is made anew when it is wanted. */
  update(snapshot: Snapshot, changed: ReadonlySet<string>): void {
    this.#sources = { snapshot, cache: this.#cache, patches: this.#patches };
    this.#epoch++;
    this.#cache.invalidate(changed);
  }

  /** The class of a proxy, as of the snapshot: it tells which labels are read. */
  proxyClass(proxy: MeshProxy): ProxyClass {
    return classOf(proxy, this.snapshot);
  }

  /**
   * The resources of a type for a proxy.
   * @param names for a type with names: what it asked for
   */
  resources(
    type: ResourceType | XdsType,
    proxy: MeshProxy,
    proxyClass: ProxyClass,
    names: NameSet = NO_NAMES,
  ): ResourceSet {
    const scope = this.#scope(proxyClass);
    const entry: ResourceType = typeof type === "string" ? resourceType(type) : type;
    return entry.resources(scope, new Request(scope, proxy, names));
  }

  /**
   * What a proxy's configuration is made of, but for endpoints, whether the proxy has asked for it yet or not. Proxies that are
   * alike get the very same lists.
   */
  resourceLists(proxy: MeshProxy, proxyClass: ProxyClass): (readonly EncodedResource[])[] {
    const scope = this.#scope(proxyClass);
    const workload = workloadOf(scope, proxy);
    return this.#types.flatMap((type) => type.lists?.(scope, workload) ?? []);
  }

  /** The ports that a workload serves; undefined where traffic of every port is captured. */
  servedPorts(proxy: MeshProxy, proxyClass: ProxyClass): ReadonlySet<number> | undefined {
    if (proxy.interception !== "NONE") return undefined;
    const { targets } = workloadOf(this.#scope(proxyClass), proxy);
    return new Set(targets.map(({ targetPort }) => targetPort));
  }

  /** Proxies with the same key are prepared together: they have the same virtual hosts and the same clusters of others. */
  preparationKey(proxy: MeshProxy, proxyClass: ProxyClass): string {
    return proxy.type === "router"
      ? `${proxyClass.key} ${workloadOf(this.#scope(proxyClass), proxy).key}`
      : proxyClass.key;
  }

  /**
   * Makes the many small pieces of which the configuration of a class of proxies is put together, in turns of the event loop. What is
   * asked for afterwards is there. It ends early when the snapshot changes meanwhile.
   * @returns undefined when it was done in the first turn; otherwise whether it was done to the end
   */
  prepare(proxy: MeshProxy, proxyClass: ProxyClass, turns: Turns): Promise<boolean> | undefined {
    const pieces = this.#pieces(proxy, proxyClass);
    for (;;) {
      if (pieces.next().done) return undefined;
      const turn = turns.next();
      if (turn) return this.#goOn(pieces, turn, turns);
    }
  }

  async #goOn(pieces: Iterator<undefined>, turn: Promise<void>, turns: Turns): Promise<boolean> {
    const { snapshot } = this;
    await turn;
    // What is made of an older snapshot must not be kept.
    while (this.snapshot === snapshot) {
      if (pieces.next().done) return true;
      await turns.next();
    }
    return false;
  }

  *#pieces(proxy: MeshProxy, proxyClass: ProxyClass): globalThis.Generator<undefined> {
    const scope = this.#scope(proxyClass);
    const workload = workloadOf(scope, proxy);
    for (const type of this.#types) if (type.prepare) yield* type.prepare(scope, workload);
  }

  /** Frees everything that `use` does not ask for: names are clients' to choose, and classes come and go. */
  keep(use: () => void): void {
    this.#cache.beginRound();
    use();
    this.#cache.endRound();
  }

  /** How many entries are cached. */
  get cacheSize(): number {
    return this.#cache.size;
  }

  /** A scope for one look-up: nobody asks what it read, and there is one for each proxy and change. */
  #scope(proxyClass: ProxyClass): Scope {
    return new Scope(this.#sources, proxyClass);
  }
}

/** Looks up the workload only where a type reads it: endpoints, most of what changes, do not. */
class Request implements ResourceRequest {
  readonly names: NameSet;
  readonly #scope: Scope;
  readonly #proxy: MeshProxy;

  constructor(scope: Scope, proxy: MeshProxy, names: NameSet) {
    this.#scope = scope;
    this.#proxy = proxy;
    this.names = names;
  }

  get workload(): Workload {
    return workloadOf(this.#scope, this.#proxy);
  }
}
