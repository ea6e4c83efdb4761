import { dependency, isEndpointsKey, type Snapshot } from "@xebec/pilot-snapshot";
import { Generator, type MeshProxy, type ResourceSet } from "@xebec/pilot-xds-gen";
import { hasInitialVersions } from "../subscription/initial-versions.ts";
import { withRemoved } from "../subscription/make-before-break.ts";

/** Limits of the superseded snapshots, and of the sets of disconnected clients, that are remembered. */
const SNAPSHOTS = 4;
const SETS = 64;
/** How long they are remembered. */
const MEMORY_MS = 60_000;

/**
 * The clusters that a returning client of the state-of-the-world form may still have. It names only a version. A response without
 * a cluster removes it, yet a cluster must stay until the client's routes have changed. Versions are content hashes, so pilot
 * recognizes a set that it sent before, or that follows from an earlier snapshot; after a restart, that of its last known good state.
 */
export class EarlierClusters {
  readonly #sets = new Map<string, ResourceSet>();
  /** Oldest first. */
  readonly #generators: Generator[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** A client with these clusters has disconnected. */
  left(set: ResourceSet | undefined): void {
    if (!set || set.resources.size === 0 || hasInitialVersions(set)) return;
    this.#sets.delete(set.version);
    this.#sets.set(set.version, set);
    const [oldest] = this.#sets.keys();
    if (this.#sets.size > SETS && oldest !== undefined) this.#sets.delete(oldest);
    this.#forgetLater();
  }

  /** A newer snapshot replaces this one. @param changed dependency keys of the difference */
  superseded(snapshot: Snapshot, changed: ReadonlySet<string>): void {
    if ([...changed].every((key) => isEndpointsKey(key) || key === dependency.pods)) return;
    this.#generators.push(new Generator(snapshot));
    if (this.#generators.length > SNAPSHOTS) this.#generators.shift();
    this.#forgetLater();
  }

  /**
   * @param version the version that the client named
   * @param desired the clusters that it should have
   * @param live sets of the connected clients
   * @returns undefined for an unknown version
   */
  find(version: string, proxy: MeshProxy, desired: ResourceSet, live: Iterable<ResourceSet>): ResourceSet | undefined {
    if (desired.version === version) return desired;
    const left = this.#sets.get(version);
    if (left) return left;
    for (const set of live) if (set.version === version && !hasInitialVersions(set)) return set;
    for (const generator of this.#generators.toReversed()) {
      const set = generator.resources("cluster", proxy, generator.proxyClass(proxy));
      if (set.version === version) return set;
      // The intermediate step: new clusters were added, old ones not removed yet.
      const both = withRemoved(set, desired);
      if (both.version === version) return both;
    }
    return undefined;
  }

  #forgetLater(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#sets.clear();
      this.#generators.length = 0;
    }, MEMORY_MS).unref();
  }
}
