import { Turns } from "@xebec/core-async";
import { encodeResource, type Resource } from "@xebec/model-resources";

/** What differs from what was published before. */
export interface ResourceDiff {
  readonly puts: ReadonlyMap<string, Uint8Array>;
  readonly deletes: ReadonlySet<string>;
}

/**
 * What was published, with the generation of each object: it grows with each change of its meaning, over restarts, too. A source that
 * counts generations itself, as an API server, is believed.
 */
export class PublishedResources {
  readonly #published = new Map<string, Resource>();
  /** The objects of the sources behind what was published. */
  readonly #sources = new Map<string, Resource>();
  readonly #generations = new Map<string, number>();
  readonly #earlier: (key: string) => Resource | undefined;

  /** @param earlier gives an object as an earlier run published it */
  constructor(earlier: (key: string) => Resource | undefined) {
    this.#earlier = earlier;
  }

  /**
   * Takes the objects of the sources over.
   * @param resources by `keyOf`
   * @param changed the keys of those that may be others than before, or gone
   */
  async update(resources: ReadonlyMap<string, Resource>, changed: Iterable<string>): Promise<ResourceDiff> {
    const turns = new Turns(256, 1);
    const puts = new Map<string, Uint8Array>();
    const deletes = new Set<string>();
    for (const key of changed) {
      await turns.next();
      const resource = resources.get(key);
      if (!resource) {
        if (!this.#published.delete(key)) continue;
        deletes.add(key);
        this.#sources.delete(key);
        continue;
      }
      if (this.#sources.get(key) === resource) continue;
      this.#sources.set(key, resource);
      const known = this.#published.get(key);
      const before = known ?? (this.#generations.has(key) ? undefined : this.#earlier(key));
      const same = before !== undefined && semanticallyEqual(before, resource);
      const last = this.#generations.get(key) ?? before?.generation ?? (before ? 1 : 0);
      const next = { ...resource, generation: resource.generation ?? (same ? last : last + 1) };
      this.#generations.set(key, next.generation);
      this.#published.set(key, next);
      // Only its line moved: nobody else has to know.
      if (!known || !same || known.generation !== next.generation) puts.set(key, encodeResource(next));
    }
    return { puts, deletes };
  }

  generation(key: string): number | undefined {
    return this.#published.get(key)?.generation;
  }

  /** Everything, as it is published. */
  async all(): Promise<Map<string, Uint8Array>> {
    const turns = new Turns(256, 1);
    const all = new Map<string, Uint8Array>();
    for (const [key, resource] of this.#published) {
      await turns.next();
      all.set(key, encodeResource(resource));
    }
    return all;
  }
}

/** Whether two forms of an object say the same; where they stand in a file does not count. */
function semanticallyEqual(a: Resource, b: Resource): boolean {
  return (
    a === b || JSON.stringify({ ...a, origin: 0, generation: 0 }) === JSON.stringify({ ...b, origin: 0, generation: 0 })
  );
}
