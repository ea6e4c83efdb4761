/** A generated value, and the mark by which other entries depend on it. */
export interface CacheEntry<T> {
  readonly value: T;
  /** Dependency key of the entry itself. */
  readonly mark: string;
}

/** No dependency key begins with this character. */
const MARK = "#";
const isMark = (key: string): boolean => key.startsWith(MARK);

/** Takes all steps, one after the other. @returns what they come to */
export function atOnce<T>(steps: Generator<undefined, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Number of entries that one step at the end of a round visits. */
const STEP = 64;
/** Entries that have expired are forgotten at once as long as they had no more reads than this in all; the others later, in steps. */
const AT_ONCE = 1024;

/** An entry with its bookkeeping. */
interface StoredEntry extends CacheEntry<unknown> {
  value: unknown;
  readonly owner: string;
  readonly name: string;
  /** Key of the input that the value was made from; undefined without input. */
  readonly input: string | undefined;
  /** Dependency keys, and marks of other entries, that were read. */
  readonly reads: ReadonlySet<string>;
  /** Entries that read this one. */
  readonly readers: Set<StoredEntry>;
  /** The last round in which it was requested. */
  round: number;
  /** True when something that it read has changed: nobody finds it any more. */
  isExpired: boolean;
}

/** The entries of one owner, by name, or by name and key of the input. */
class OwnerEntries {
  readonly #byName = new Map<string, StoredEntry>();
  // Two levels, because concatenating the long keys of inputs to names costs more than the lookup.
  readonly #byInput = new Map<string, Map<string, StoredEntry>>();

  get isEmpty(): boolean {
    return this.#byName.size === 0 && this.#byInput.size === 0;
  }

  get(name: string, input: string | undefined): StoredEntry | undefined {
    return input === undefined ? this.#byName.get(name) : this.#byInput.get(name)?.get(input);
  }

  add(entry: StoredEntry): void {
    const { name, input } = entry;
    if (input === undefined) {
      this.#byName.set(name, entry);
      return;
    }
    const entries = this.#byInput.get(name);
    if (entries) entries.set(input, entry);
    else this.#byInput.set(name, new Map([[input, entry]]));
  }

  delete(entry: StoredEntry): void {
    const { name, input } = entry;
    // There may be a newer one in its place.
    if (this.get(name, input) !== entry) return;
    if (input === undefined) {
      this.#byName.delete(name);
      return;
    }
    const entries = this.#byInput.get(name);
    entries?.delete(input);
    if (entries?.size === 0) this.#byInput.delete(name);
  }
}

/**
 * Caches generated values by owner (a class of proxies) and name until one of their dependency keys changes, so that work is
 * proportional to the change. An entry records only its own reads; the reads of the entries that it uses reach it through their marks.
 */
export class ResourceCache {
  readonly #owners = new Map<string, OwnerEntries>();
  readonly #byMark = new Map<string, StoredEntry>();
  /** Entries by the dependency keys that they read. */
  readonly #readers = new Map<string, Set<StoredEntry>>();
  /** What has expired and is not forgotten yet. */
  readonly #expired: StoredEntry[] = [];
  #marks = 0;
  #changes = 0;
  #round = 0;

  /**
   * Finds an entry and marks it as used in this round.
   * @param input key of the input that the value was made from, if any
   * @returns undefined when there is none
   */
  find(owner: string, name: string, input?: string): CacheEntry<unknown> | undefined {
    const known = this.#owners.get(owner)?.get(name, input);
    if (!known || known.isExpired) return undefined;
    known.round = this.#round;
    return known;
  }

  /**
   * Makes an entry.
   * @param make receives the set to which it adds every dependency key, and the mark of every entry, that it reads
   * @param input key of the input that the value is made from, if any
   */
  make<T>(owner: string, name: string, make: (reads: Set<string>) => T, input?: string): CacheEntry<T> {
    const reads = new Set<string>();
    const value = make(reads);
    return this.#made({ value, owner, name, input, reads });
  }

  /** As `make`, in steps: it is found after the last one. It is made anew when anything that it may have read changes meanwhile. */
  *makeInSteps<T>(
    owner: string,
    name: string,
    make: (reads: Set<string>) => Generator<undefined, T>,
  ): Generator<undefined, CacheEntry<T>> {
    const reads = new Set<string>();
    const changes = this.#changes;
    const value = yield* make(reads);
    // An entry that was dropped because nobody used it yet would not pass changes on.
    const isWhole = changes === this.#changes && [...reads].every((key) => !isMark(key) || this.#byMark.has(key));
    if (!isWhole) return this.make(owner, name, (all) => atOnce(make(all)));
    return this.#made({ value, owner, name, input: undefined, reads });
  }

  #made<T>(own: Pick<StoredEntry, "owner" | "name" | "input" | "reads"> & { readonly value: T }): CacheEntry<T> {
    const entry: StoredEntry & CacheEntry<T> = {
      ...own,
      ...{ mark: `${MARK}${++this.#marks}`, readers: new Set<StoredEntry>(), round: this.#round, isExpired: false },
    };
    this.#keep(entry);
    return entry;
  }

  /**
   * Every entry that read one of these keys, directly or through another entry, is not found any more, and its value is free. A few
   * entries are forgotten at once; for the others there is `forgetExpired`.
   */
  invalidate(changed: Iterable<string>): void {
    this.#changes++;
    for (const key of changed) for (const entry of this.#readers.get(key) ?? []) this.#expire(entry);
    for (let left = AT_ONCE; ; ) {
      const next = this.#expired.at(-1);
      left -= 1 + (next?.reads.size ?? 0);
      if (!next || left < 0) return;
      this.#expired.pop();
      atOnce(this.#dropping(next));
    }
  }

  /** True when some entries have expired and are not forgotten yet. */
  get hasExpired(): boolean {
    return this.#expired.length > 0;
  }

  /** Forgets the entries that have expired; it yields after some of them. */
  *forgetExpired(): Generator<undefined> {
    for (let dropped = 0, entry = this.#expired.pop(); entry; entry = this.#expired.pop()) {
      yield* this.#dropping(entry);
      if (++dropped % STEP === 0) yield;
    }
  }

  /** Begins a round: entries requested from now on are in use. */
  beginRound(): void {
    this.#round++;
  }

  /**
   * Drops the entries that were not in use in this round, directly or through another entry; it yields after some entries. What is
   * requested meanwhile is in use.
   */
  *endRound(): Generator<undefined> {
    yield* this.forgetExpired();
    const used = new Set<StoredEntry>();
    let looked = 0;
    const using = function* (this: ResourceCache, first: StoredEntry): Generator<undefined> {
      const next = [first];
      for (let entry = next.pop(); entry; entry = next.pop()) {
        if (used.has(entry)) continue;
        used.add(entry);
        for (const key of entry.reads) {
          const inner = this.#byMark.get(key);
          if (inner) next.push(inner);
          if (++looked % AT_ONCE === 0) yield;
        }
      }
    }.bind(this);
    for (const entry of this.#byMark.values()) {
      if (entry.round === this.#round) yield* using(entry);
      if (++looked % STEP === 0) yield;
    }
    for (const entry of this.#byMark.values()) {
      if (entry.round === this.#round) yield* using(entry);
      else if (!used.has(entry)) yield* this.#dropping(entry);
      if (++looked % STEP === 0) yield;
    }
  }

  /** True when an entry that is still valid has read a key. */
  isRead(key: string): boolean {
    for (const { isExpired } of this.#readers.get(key) ?? []) if (!isExpired) return true;
    return false;
  }

  /** Number of entries. */
  get size(): number {
    return this.#byMark.size;
  }

  /** Number of dependency keys that some entry has read. */
  get keys(): number {
    return this.#readers.size;
  }

  #keep(entry: StoredEntry): void {
    const entries = this.#owners.get(entry.owner);
    if (entries) entries.add(entry);
    else {
      const first = new OwnerEntries();
      first.add(entry);
      this.#owners.set(entry.owner, first);
    }
    this.#byMark.set(entry.mark, entry);
    for (const key of entry.reads) {
      const readers = this.#byMark.get(key)?.readers ?? this.#readers.get(key);
      if (readers) readers.add(entry);
      else this.#readers.set(key, new Set([entry]));
    }
  }

  #expire(entry: StoredEntry): void {
    if (entry.isExpired) return;
    entry.isExpired = true;
    entry.value = undefined;
    this.#expired.push(entry);
    for (const reader of entry.readers) this.#expire(reader);
  }

  /** Forgets an entry, and what read it; it yields after some reads. */
  *#dropping(entry: StoredEntry): Generator<undefined> {
    if (!this.#byMark.delete(entry.mark)) return;
    // Whatever it read may change before all of that has forgotten it.
    entry.isExpired = true;
    const entries = this.#owners.get(entry.owner);
    entries?.delete(entry);
    if (entries?.isEmpty) this.#owners.delete(entry.owner);
    let forgotten = 0;
    for (const key of entry.reads) {
      const inner = this.#byMark.get(key);
      inner?.readers.delete(entry);
      const readers = inner ? undefined : this.#readers.get(key);
      if (readers?.delete(entry) && readers.size === 0) this.#readers.delete(key);
      if (++forgotten % AT_ONCE === 0) yield;
    }
    // Those that have expired are on the list themselves.
    for (const reader of entry.readers) if (!reader.isExpired) yield* this.#dropping(reader);
  }
}
