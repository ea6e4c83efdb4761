import { dependency, isEndpointsKey, type Snapshot } from "@xebec/pilot-snapshot";
import { Generator, type MeshProxy, type ResourceSet } from "@xebec/pilot-xds-gen";
import { hasInitialVersions } from "../subscription/initial-versions.ts";
import { withRemoved } from "../subscription/make-before-break.ts";

/** So many snapshots are remembered that others have taken the place of, and so many sets of clients that are gone. */
const SNAPSHOTS = 4;
const SETS = 64;
/** Nothing is remembered for longer: who comes back later has lost more than a change. */
const MEMORY_MS = 60_000;

/**
 * The clusters that a client of the state-of-the-world form may still have. It names only a version, yet what it has and should
 * not have any more must stay until its routes are others, and to leave a cluster out of a message is to remove it. Versions
 * are content hashes, so the set is known again that this process sent before, or that follows from an earlier snapshot: a
 * restarted pilot has that of its last good state.
 */
export class EarlierClusters {
  readonly #sets = new Map<string, ResourceSet>();
  /** The newest last. */
  readonly #generators: Generator[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** A client with these clusters is gone. */
  left(set: ResourceSet | undefined): void {
    if (!set || set.resources.size === 0 || hasInitialVersions(set)) return;
    this.#sets.delete(set.version);
    this.#sets.set(set.version, set);
    const [oldest] = this.#sets.keys();
    if (this.#sets.size > SETS && oldest !== undefined) this.#sets.delete(oldest);
    this.#forgetLater();
  }

  /** Another snapshot has taken the place of this one. @param changed dependency keys of what is different now */
  superseded(snapshot: Snapshot, changed: ReadonlySet<string>): void {
    if ([...changed].every((key) => isEndpointsKey(key) || key === dependency.pods)) return;
    this.#generators.push(new Generator(snapshot));
    if (this.#generators.length > SNAPSHOTS) this.#generators.shift();
    this.#forgetLater();
  }

  /**
   * @param version what the client says it has
   * @param desired what it should have
   * @param live sets of the clients that are here
   * @returns undefined when nobody knows
   */
  find(version: string, proxy: MeshProxy, desired: ResourceSet, live: Iterable<ResourceSet>): ResourceSet | undefined {
    if (desired.version === version) return desired;
    const left = this.#sets.get(version);
    if (left) return left;
    for (const set of live) if (set.version === version && !hasInitialVersions(set)) return set;
    for (const generator of this.#generators.toReversed()) {
      const set = generator.resources("cluster", proxy, generator.proxyClass(proxy));
      if (set.version === version) return set;
      // The step between: what is new is there, what is gone has not left yet.
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
