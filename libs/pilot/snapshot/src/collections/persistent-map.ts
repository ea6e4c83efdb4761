const BUCKETS = 1024;

function bucketOf(key: string): number {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return (hash ^ (hash >>> 15)) & (BUCKETS - 1);
}

/**
 * An immutable map from texts. A new version shares all buckets that did not change with the old one, so that an edit costs
 * what it touches, not what the map holds.
 */
export class PersistentMap<V> {
  readonly #buckets: readonly (ReadonlyMap<string, V> | undefined)[];
  readonly size: number;

  private constructor(buckets: readonly (ReadonlyMap<string, V> | undefined)[], size: number) {
    this.#buckets = buckets;
    this.size = size;
  }

  /** A map without entries. */
  static empty<V>(): PersistentMap<V> {
    return new PersistentMap<V>([], 0);
  }

  get(key: string): V | undefined {
    return this.#buckets[bucketOf(key)]?.get(key);
  }

  has(key: string): boolean {
    return this.#buckets[bucketOf(key)]?.has(key) === true;
  }

  /** Makes a version with these entries put, or removed where the value is undefined. */
  edit(changes: Iterable<readonly [string, V | undefined]>): PersistentMap<V> {
    const buckets = this.#buckets.length === 0 ? new Array<Map<string, V> | undefined>(BUCKETS) : [...this.#buckets];
    const own = new Set<number>();
    let size = this.size;
    for (const [key, value] of changes) {
      const at = bucketOf(key);
      if (!own.has(at)) {
        buckets[at] = new Map(buckets[at]);
        own.add(at);
      }
      const bucket = buckets[at] as Map<string, V>;
      const before = bucket.has(key);
      if (value === undefined) bucket.delete(key);
      else bucket.set(key, value);
      size += Number(bucket.has(key)) - Number(before);
    }
    return own.size === 0 ? this : new PersistentMap(buckets, size);
  }

  *entries(): IterableIterator<[string, V]> {
    for (const bucket of this.#buckets) if (bucket) yield* bucket.entries();
  }

  *values(): IterableIterator<V> {
    for (const bucket of this.#buckets) if (bucket) yield* bucket.values();
  }
}
