const BUCKETS = 1024;

function bucketOf(key: string): number {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return (hash ^ (hash >>> 15)) & (BUCKETS - 1);
}

/**
 * An immutable map from strings. A new version shares all buckets that did not change with the old one, so that an edit costs
 * what it touches, not what the map holds.
 */
export class PersistentMap<V> {
  readonly #buckets: (Map<string, V> | undefined)[];
  #size: number;
  /** The batch that made this version, and the buckets that no other version has. */
  readonly #batch: object | undefined;
  readonly #own = new Set<number>();

  private constructor(buckets: (Map<string, V> | undefined)[], size: number, batch: object | undefined) {
    this.#buckets = buckets;
    this.#size = size;
    this.#batch = batch;
  }

  /** A map without entries. */
  static empty<V>(): PersistentMap<V> {
    return new PersistentMap<V>([], 0, undefined);
  }

  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    return this.#buckets[bucketOf(key)]?.get(key);
  }

  has(key: string): boolean {
    return this.#buckets[bucketOf(key)]?.has(key) === true;
  }

  /**
   * Makes a version with these entries put, or removed where the value is undefined.
   * @param batch names edits that follow each other, of which only the last version is kept: one that the same batch has made is
   * changed itself, so that ten thousand edits copy no bucket twice
   */
  edit(changes: readonly (readonly [string, V | undefined])[], batch?: object): PersistentMap<V> {
    if (changes.length === 0) return this;
    const next = batch !== undefined && this.#batch === batch ? this : this.#copy(batch);
    for (const [key, value] of changes) next.#set(key, value);
    return next;
  }

  #copy(batch: object | undefined): PersistentMap<V> {
    const buckets = this.#buckets.length === 0 ? new Array<Map<string, V> | undefined>(BUCKETS) : [...this.#buckets];
    return new PersistentMap(buckets, this.#size, batch);
  }

  #set(key: string, value: V | undefined): void {
    const at = bucketOf(key);
    if (!this.#own.has(at)) {
      this.#buckets[at] = new Map(this.#buckets[at]);
      this.#own.add(at);
    }
    const bucket = this.#buckets[at] as Map<string, V>;
    const before = bucket.size;
    if (value === undefined) bucket.delete(key);
    else bucket.set(key, value);
    this.#size += bucket.size - before;
  }

  *entries(): IterableIterator<[string, V]> {
    for (const bucket of this.#buckets) if (bucket) yield* bucket.entries();
  }

  *values(): IterableIterator<V> {
    for (const bucket of this.#buckets) if (bucket) yield* bucket.values();
  }
}
