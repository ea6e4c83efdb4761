/** A value that was generated, and the mark by which whatever is made of it depends on it. */
export interface CacheEntry<T> {
  readonly value: T;
  /** A dependency key of the entry itself: what reads the entry depends on it. */
  readonly mark: string;
}

/** An entry as it is kept. */
interface StoredEntry extends CacheEntry<unknown> {
  readonly owner: string;
  readonly name: string;
  /** Key of the input that it is made of; undefined without any. */
  readonly input: string | undefined;
  /** Dependency keys, and marks of the entries that it is made of. */
  readonly reads: ReadonlySet<string>;
  /** Entries that are made of it. */
  readonly readers: Set<StoredEntry>;
  /** The last round in which it was asked for. */
  round: number;
}

/** The entries of an owner: by name, and those that are made of an input by name and the input's key. */
class OwnerEntries {
  readonly #byName = new Map<string, StoredEntry>();
  // Two levels: the keys of inputs are long, and joining them to names for each look-up takes longer than the look-up.
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

  delete({ name, input }: StoredEntry): void {
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
 * Keeps what was generated, by owner (a class of proxies) and name, until a dependency key of it changes. Work is proportional
 * to what changed: everything else is found here. An entry notes only what it read itself; what its own entries read reaches it
 * through them.
 */
export class ResourceCache {
  readonly #owners = new Map<string, OwnerEntries>();
  readonly #byMark = new Map<string, StoredEntry>();
  /** Who read a dependency key. */
  readonly #readers = new Map<string, Set<StoredEntry>>();
  #marks = 0;
  #round = 0;

  /**
   * The entry of this name. It counts as in use.
   * @param input key of the input that it is made of, if of any
   * @returns undefined when there is none, or none any more
   */
  find(owner: string, name: string, input?: string): CacheEntry<unknown> | undefined {
    const known = this.#owners.get(owner)?.get(name, input);
    if (known) known.round = this.#round;
    return known;
  }

  /**
   * Makes an entry.
   * @param input key of the input that it is made of, if of any
   * @param make gets the set into which it puts every dependency key, and the mark of every entry, that it reads
   */
  make<T>(owner: string, name: string, make: (reads: Set<string>) => T, input?: string): CacheEntry<T> {
    const reads = new Set<string>();
    const value = make(reads);
    // No dependency key begins so.
    const mark = `#${++this.#marks}`;
    const entry = { value, mark, owner, name, input, reads, readers: new Set<StoredEntry>(), round: this.#round };
    this.#keep(entry);
    return entry;
  }

  /** Forgets every entry that read one of these keys, itself or through another entry. */
  invalidate(changed: Iterable<string>): void {
    for (const key of changed) for (const entry of this.#readers.get(key) ?? []) this.#drop(entry);
  }

  /** Begins a round: what is asked for from now on is in use. */
  beginRound(): void {
    this.#round++;
  }

  /** Forgets what was not in use in this round, neither itself nor as a piece of another entry. */
  endRound(): void {
    const used = new Set<StoredEntry>();
    const visit = (entry: StoredEntry): void => {
      if (used.has(entry)) return;
      used.add(entry);
      for (const key of entry.reads) {
        const inner = this.#byMark.get(key);
        if (inner) visit(inner);
      }
    };
    for (const entry of this.#byMark.values()) if (entry.round === this.#round) visit(entry);
    for (const entry of this.#byMark.values()) if (!used.has(entry)) this.#drop(entry);
  }

  /** How many entries are kept. */
  get size(): number {
    return this.#byMark.size;
  }

  /** How many dependency keys some entry has read. */
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

  #drop(entry: StoredEntry): void {
    if (!this.#byMark.delete(entry.mark)) return;
    const entries = this.#owners.get(entry.owner);
    entries?.delete(entry);
    if (entries?.isEmpty) this.#owners.delete(entry.owner);
    for (const key of entry.reads) {
      const inner = this.#byMark.get(key);
      inner?.readers.delete(entry);
      const readers = inner ? undefined : this.#readers.get(key);
      if (readers?.delete(entry) && readers.size === 0) this.#readers.delete(key);
    }
    for (const reader of entry.readers) this.#drop(reader);
  }
}
