import { inTurns, type Turns } from "@xebec/core-async";
import type { Snapshot } from "@xebec/pilot-snapshot";
import type { EncodedResource } from "../encode/encoded.ts";
import type { KnownPatch, PatchSource } from "../patch/patch.ts";
import { patchMark } from "../patch/patch-mark.ts";
import { PATCH_SOURCES } from "../patch/sources.ts";
import type { Place } from "../scope/place.ts";
import type { MeshProxy } from "../scope/proxy.ts";
import { classOf, hasSameClasses, type ProxyClass } from "../scope/proxy-class.ts";
import { placeOf } from "../scope/proxy-place.ts";
import { Scope, type ScopeSources } from "../scope/scope.ts";
import { type Workload, workloadOf } from "../scope/workload.ts";
import { typesOf } from "./grpc-types.ts";
import { type NameSet, NO_NAMES } from "./names.ts";
import { type ObjectRemark, objectRemarks } from "./remarks.ts";
import { ResourceCache } from "./resource-cache.ts";
import type { ResourceSet } from "./resource-set.ts";
import type { ResourceRequest, ResourceType } from "./resource-type.ts";
import { RESOURCE_TYPES, resourceType, type XdsType } from "./resource-types.ts";

/** A patch, and whether it has changed, added or removed anything. */
export interface PatchUse extends KnownPatch {
  readonly applied: boolean;
}

/**
 * Generates the resources of every proxy from a snapshot. It is pure except for its cache: resources that did not change are not
 * generated again, and equal proxies share the same objects.
 */
export class Generator {
  readonly #cache = new ResourceCache();
  readonly #patches: readonly PatchSource<Scope>[];
  readonly #types: readonly ResourceType[];
  #sources: ScopeSources;
  #epoch = 0;
  #classEpoch = 0;

  /**
   * @param patches where late changes of what is built come from
   * @param types the table of resource types
   */
  constructor(snapshot: Snapshot, patches = PATCH_SOURCES, types: readonly ResourceType[] = RESOURCE_TYPES) {
    this.#patches = patches;
    this.#types = types;
    this.#sources = { snapshot, cache: this.#cache, patches };
  }

  /** Changes with each update. Until then, equal calls return equal resources. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Changes when proxies may belong to other classes. */
  get classEpoch(): number {
    return this.#classEpoch;
  }

  get snapshot(): Snapshot {
    return this.#sources.snapshot;
  }

  /** Moves to a newer snapshot. Everything that read one of the changed keys is generated again on demand. */
  update(snapshot: Snapshot, changed: ReadonlySet<string>): void {
    if (!hasSameClasses(this.snapshot, snapshot)) this.#classEpoch++;
    this.#sources = { snapshot, cache: this.#cache, patches: this.#patches };
    this.#epoch++;
    this.#cache.invalidate(changed);
  }

  /** The class of a proxy in this snapshot; the same until `classEpoch` changes. */
  proxyClass(proxy: MeshProxy): ProxyClass {
    return classOf(proxy, this.snapshot);
  }

  /**
   * The resources of a type for a proxy.
   * @param names the requested names, for a type with named subscriptions
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
   * The resources of a proxy, requested yet or not, except endpoints. Equal proxies share the same lists.
   */
  resourceLists(proxy: MeshProxy, proxyClass: ProxyClass): (readonly EncodedResource[])[] {
    const scope = this.#scope(proxyClass);
    const workload = workloadOf(scope, proxy);
    return typesOf(proxy, this.#types).flatMap((type) => type.lists?.(scope, workload) ?? []);
  }

  /** What the configuration of a proxy leaves out of objects, and why. */
  remarks(proxy: MeshProxy, proxyClass: ProxyClass): Iterable<ObjectRemark> {
    const scope = this.#scope(proxyClass);
    return objectRemarks(scope, workloadOf(scope, proxy));
  }

  /** All patches, and whether each is in something that was generated and is still up to date. */
  *patchUse(): globalThis.Generator<PatchUse> {
    for (const source of this.#patches)
      for (const each of source.all?.(this.snapshot) ?? [])
        yield { ...each, applied: this.#cache.isRead(patchMark(each)) };
  }

  /** The ports that a workload serves; undefined when traffic to every port is captured. */
  servedPorts(proxy: MeshProxy, proxyClass: ProxyClass): ReadonlySet<number> | undefined {
    if (proxy.interception !== "NONE") return undefined;
    const { targets } = workloadOf(this.#scope(proxyClass), proxy);
    return new Set(targets.map(({ targetPort }) => targetPort));
  }

  /** Proxies with equal keys are prepared together: they share virtual hosts and outbound clusters. */
  preparationKey(proxy: MeshProxy, proxyClass: ProxyClass): string {
    return proxy.type === "router"
      ? `${proxyClass.key} ${workloadOf(this.#scope(proxyClass), proxy).key}`
      : proxyClass.key;
  }

  /**
   * Generates the many small pieces of the configuration of a class of proxies, in turns of the event loop, so that later requests
   * find them in the cache. It stops early when the snapshot changes.
   * @returns undefined when it finished in the first turn; otherwise whether it finished
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
    // Pieces of an older snapshot must not be cached.
    while (this.snapshot === snapshot) {
      if (pieces.next().done) {
        // Tables of so many pieces take a turn of their own to be put together.
        await turns.giveWay();
        return this.snapshot === snapshot;
      }
      await turns.next();
    }
    return false;
  }

  *#pieces(proxy: MeshProxy, proxyClass: ProxyClass): globalThis.Generator<undefined> {
    const scope = this.#scope(proxyClass);
    const workload = workloadOf(scope, proxy);
    for (const type of typesOf(proxy, this.#types)) if (type.prepare) yield* type.prepare(scope, workload);
  }

  /**
   * Frees every entry that `uses` do not request, in turns of the event loop: clients choose names freely, and classes come and go. It
   * stops early when the snapshot changes: what is not made yet of the new one would be made here, at once.
   * @param uses each requests all that one proxy has. They must not throw
   * @param toTheEnd true: it does not stop early
   * @returns undefined when it was done in the first turn; otherwise a promise of its end
   */
  keep(uses: Iterable<() => void>, turns: Turns, toTheEnd = false): Promise<void> | undefined {
    return inTurns(this.#keeping(uses, toTheEnd), turns);
  }

  *#keeping(uses: Iterable<() => void>, toTheEnd: boolean): globalThis.Generator<undefined> {
    const { snapshot } = this;
    const goesOn = (): boolean => toTheEnd || this.snapshot === snapshot;
    this.#cache.beginRound();
    for (const use of uses) {
      if (!goesOn()) return;
      use();
      yield;
    }
    if (goesOn()) yield* this.#cache.endRound();
  }

  /** True when the last changes have left something to forget. */
  get hasExpired(): boolean {
    return this.#cache.hasExpired;
  }

  /** Forgets what the last changes have made useless, in turns of the event loop. @returns undefined when it was done in the first turn */
  forgetExpired(turns: Turns): Promise<void> | undefined {
    return inTurns(this.#cache.forgetExpired(), turns);
  }

  /** Number of cached entries. */
  get cacheSize(): number {
    return this.#cache.size;
  }

  /** A scope for a single lookup, one for each proxy and change. Its reads need no tracking. */
  #scope(proxyClass: ProxyClass): Scope {
    return new Scope(this.#sources, proxyClass);
  }
}

/** Looks up the workload only when a type reads it: endpoints, which change most often, do not. */
class Request implements ResourceRequest {
  readonly names: NameSet;
  readonly #scope: Scope;
  readonly #proxy: MeshProxy;

  constructor(scope: Scope, proxy: MeshProxy, names: NameSet) {
    this.#scope = scope;
    this.#proxy = proxy;
    this.names = names;
  }

  get place(): Place {
    return placeOf(this.#scope, this.#proxy);
  }

  get workload(): Workload {
    return workloadOf(this.#scope, this.#proxy);
  }
}
