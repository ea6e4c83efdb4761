import { type Commit, decodeCommit } from "./commit.ts";
import { HashedEntries, joinHashes } from "./hashed-entries.ts";

/**
 * - `uncommitted`: the bucket holds no commit of the source: it never published here, or its store was lost.
 * - `disputed`: something that is not a commit stands in the place of its commit. Nobody who may has written it, so it is not a deletion.
 * - `incomplete`: the entries are not what the commit says: a revision is being written, or a writer died in its middle.
 * - `complete`: the entries are what the commit says.
 * - `ended`: the commit was deleted in the store in which the source had been complete. Nobody waits for it any more.
 */
export type SourcePhase = "uncommitted" | "disputed" | "incomplete" | "complete" | "ended";

/** Says of a part of a bucket whether it is read. */
export type PartFilter = (part: string) => boolean;

/** What a reader's cache file remembers of a source. */
export interface RememberedSource {
  readonly entries: ReadonlyMap<string, Uint8Array>;
  readonly revision: number;
  /** The store in which it was complete last; empty: unknown. */
  readonly incarnation: string;
}

/**
 * One source as a reader sees it: what the bucket holds of it, and what of it is applied. The two differ while a revision is written,
 * and after the store was lost. Only `adopt` and `end` change what is applied.
 *
 * | Event | From | To |
 * |---|---|---|
 * | `commit` | any | `complete` or `incomplete`, by its hash; `disputed` when it cannot be read |
 * | `commit` deleted | any | `uncommitted` |
 * | `entry` | `complete`, `incomplete` | `complete` or `incomplete`, by the hash |
 * | `forged` | any | `disputed` when it was `uncommitted`, else the same |
 * | `storeLost` | any but `ended` | `uncommitted` |
 * | `end` | `uncommitted` | `ended` |
 */
export class SourceState {
  /** What the bucket holds now, possibly in the middle of a revision. */
  #seen = new HashedEntries(undefined);
  #commit: Commit | undefined;
  #isDisputed = false;
  #isEnded = false;
  /** Keys whose seen value may differ from the applied one; undefined: all may. */
  #touched: Set<string> | undefined;
  #applied: Map<string, Uint8Array>;
  #revision: number;
  #incarnation: string;

  readonly #wants: PartFilter | undefined;

  /**
   * @param remembered what the cache file has of it: it is applied until the bus says something better
   * @param wants the parts that are read; absent: all
   */
  constructor(remembered?: RememberedSource, wants?: PartFilter) {
    this.#wants = wants;
    this.#applied = new Map(remembered?.entries);
    this.#revision = remembered?.revision ?? 0;
    this.#incarnation = remembered?.incarnation ?? "";
  }

  get phase(): SourcePhase {
    if (this.#isEnded) return "ended";
    if (this.#commit) return this.#holds(this.#commit) ? "complete" : "incomplete";
    return this.#isDisputed ? "disputed" : "uncommitted";
  }

  #holds({ hash, parts }: Commit): boolean {
    if (!this.#wants) return hash === this.#seen.hash;
    // A writer of the release before names no parts: its commit follows its entries, and that has to do.
    if (!parts) return true;
    const wanted = Object.keys(parts).filter(this.#wants);
    return joinHashes(wanted.map((part) => parts[part] as string)) === this.#seen.hash;
  }

  /** What readers get of it. */
  get applied(): ReadonlyMap<string, Uint8Array> {
    return this.#applied;
  }

  /** The revision that is applied. */
  get revision(): number {
    return this.#revision;
  }

  /** What a cache file should remember. */
  get remembered(): RememberedSource {
    return { entries: this.#applied, revision: this.#revision, incarnation: this.#incarnation };
  }

  /** True when it was complete in this store, which holds no commit of it now. */
  isMissingIn(incarnation: string): boolean {
    return this.phase === "uncommitted" && this.#incarnation !== "" && this.#incarnation === incarnation;
  }

  /** @param value undefined: deleted */
  entry(key: string, value: Uint8Array | undefined): void {
    if (this.#seen.set(key, value)) this.#touched?.add(key);
  }

  /** @param value undefined: deleted */
  commit(value: Uint8Array | undefined): void {
    this.#commit = value && decodeCommit(value);
    this.#isDisputed = value !== undefined && this.#commit === undefined;
    if (this.#commit) this.#isEnded = false;
  }

  /** The server says that nobody who may has written what stands in the place of the commit. */
  forged(): void {
    this.#isDisputed = true;
  }

  /** A loss is not a deletion: what is applied stays. */
  storeLost(): void {
    this.#seen = new HashedEntries(undefined);
    this.#commit = undefined;
    this.#isDisputed = false;
    this.#touched = undefined;
    this.#incarnation = "";
  }

  /**
   * Applies the revision of a complete source.
   * @param incarnation the store that holds it
   * @param keys gets the keys whose values may have changed
   */
  adopt(incarnation: string, keys: Set<string>): void {
    const touched = this.#touched ?? new Set([...this.#applied.keys(), ...this.#seen.entries.keys()]);
    for (const key of touched) {
      const value = this.#seen.entries.get(key);
      if (value) this.#applied.set(key, value);
      else this.#applied.delete(key);
      keys.add(key);
    }
    this.#touched = new Set();
    this.#revision = this.#commit?.revision ?? 0;
    this.#incarnation = incarnation;
  }

  /** What it had is not applied any more; what the bus still holds of it is remembered. @param keys gets the keys it had */
  end(keys: Set<string>): void {
    for (const key of this.#applied.keys()) keys.add(key);
    this.#applied = new Map();
    this.#touched = undefined;
    this.#isEnded = true;
  }
}
