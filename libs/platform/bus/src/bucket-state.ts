import type { ConfigPosition } from "@xebec/model-resources";
import { parseSourceKey } from "./commit.ts";
import { type RememberedSource, SourceState } from "./source-state.ts";

/**
 * - `listing`: the bucket was not read to its end yet: the bus is down, or nobody has created the bucket.
 * - `unpublished`: it was read, and no source has published in it.
 * - `incomplete`: some source is not complete; those that are complete are applied once the first whole state was.
 * - `whole`: everything that sources have committed is applied.
 */
export type BucketPhase = "listing" | "unpublished" | "incomplete" | "whole";

/** What differs from what was applied before. */
export interface EntriesChange {
  readonly puts: ReadonlyMap<string, Uint8Array>;
  readonly deletes: ReadonlySet<string>;
  /** True for the first state: `puts` is everything. */
  readonly first: boolean;
}

/** What is read of a bucket that is not read as a whole. */
export interface PartialReading {
  /** The part that a key belongs to. */
  partOf(key: string): string;
  /** Says whether a part is read. */
  wants(part: string): boolean;
}

/** Where an event has brought a reader. */
export interface Settled {
  /** Undefined when nothing differs from what was applied before. */
  readonly change: EntriesChange | undefined;
}

/**
 * The sources of a bucket as a reader sees them, and their entries merged. Events are what the bus reports; those that settle
 * something return what it changes for whoever applies the entries. No I/O and no clock.
 *
 * | Event | Meaning | Effect |
 * |---|---|---|
 * | `restore` | the cache file was read | its entries are applied; `listing` |
 * | `entry` | a key of an entry changed | nothing until a commit |
 * | `entry` of a commit | a source has published a revision, or ended | `settle` once listed |
 * | `listed` | everything that the bucket held was reported | `settle` |
 * | `confirmed` | the bus says that nothing was missed | `settle` |
 * | `lost` | the server has another store | sources are `uncommitted`, the phase `incomplete`; what is applied stays |
 * | `forged` | nobody who may has written what stands there | a commit's source is `disputed` |
 *
 * `settle` drops sources that ended, applies complete ones, and finds the phase. The first state is applied whole: half of it would
 * look like deletions to whoever builds on it.
 */
export class BucketState {
  readonly #isSource: (name: string) => boolean;
  readonly #only: PartialReading | undefined;
  readonly #sources = new Map<string, SourceState>();
  readonly #merged = new Map<string, Uint8Array>();
  #phase: BucketPhase = "listing";
  #isListed = false;
  #isServing = false;
  /** The store that the bus has now. */
  #incarnation = "";

  /**
   * @param isSource says whether a source of this name may publish in the bucket; others do not count
   * @param only what is read of it; absent: everything
   */
  constructor(isSource: (name: string) => boolean, only?: PartialReading) {
    this.#isSource = isSource;
    this.#only = only;
  }

  get phase(): BucketPhase {
    return this.#phase;
  }

  /** True when a whole state was applied, of the cache file or of the bus. */
  get isServing(): boolean {
    return this.#isServing;
  }

  /** Everything that is applied. When two sources hold a key, the one whose name comes first wins. */
  get entries(): ReadonlyMap<string, Uint8Array> {
    return this.#merged;
  }

  /** The revision of each source that is applied, and the store that the bus has. */
  get position(): ConfigPosition {
    const revisions = Object.fromEntries([...this.#sources].map(([name, { revision }]) => [name, revision]));
    return { revisions, incarnation: this.#incarnation };
  }

  /** Sources that wait for their entries or for their commit. */
  get incomplete(): readonly string[] {
    return this.#named((each) => each.phase !== "complete" && each.phase !== "ended");
  }

  /** True while a revision is half written: its commit, or the one before it, does not fit the entries. */
  get isHalfWritten(): boolean {
    return [...this.#sources.values()].some((each) => each.phase === "incomplete");
  }

  /** Sources that are served as they were before the server lost them. */
  get kept(): readonly string[] {
    return this.#named((each) => (each.phase === "uncommitted" || each.phase === "disputed") && each.applied.size > 0);
  }

  /** What a cache file should remember, by source. */
  remembered(): Map<string, RememberedSource> {
    const sources = [...this.#sources].filter(([, each]) => each.phase !== "ended");
    return new Map(sources.map(([name, each]) => [name, each.remembered]));
  }

  restore(sources: ReadonlyMap<string, RememberedSource>): EntriesChange | undefined {
    const keys = new Set<string>();
    for (const [name, remembered] of sources) {
      if (!this.#isSource(name)) continue;
      const entries = new Map([...remembered.entries].filter(([key]) => this.#isRead(key)));
      this.#sources.set(name, new SourceState({ ...remembered, entries }, this.#only?.wants));
      for (const key of entries.keys()) keys.add(key);
    }
    return this.#merge(keys);
  }

  /** @param text the key in the bucket @returns false for an entry of a part that is not read */
  wants(text: string): boolean {
    const key = parseSourceKey(text)?.key;
    return key === undefined || this.#isRead(key);
  }

  /** @param text the key in the bucket @param value undefined: it was deleted @returns undefined for what is not a commit */
  entry(text: string, value: Uint8Array | undefined): Settled | undefined {
    const parsed = parseSourceKey(text);
    if (!parsed || !this.#isSource(parsed.source)) return undefined;
    const source = this.#source(parsed.source);
    if (parsed.key !== undefined) {
      if (this.#isRead(parsed.key)) source.entry(parsed.key, value);
      return undefined;
    }
    source.commit(value);
    return this.#isListed ? this.#settle() : undefined;
  }

  listed(incarnation: string): Settled {
    this.#incarnation = incarnation;
    this.#isListed = true;
    return this.#settle();
  }

  confirmed(): Settled | undefined {
    return this.#isListed ? this.#settle() : undefined;
  }

  lost(incarnation: string): void {
    this.#incarnation = incarnation;
    for (const each of this.#sources.values()) each.storeLost();
    if (this.#isListed) this.#phase = this.#sources.size > 0 ? "incomplete" : "unpublished";
  }

  forged(text: string): void {
    const parsed = parseSourceKey(text);
    if (parsed && parsed.key === undefined && this.#isSource(parsed.source)) this.#source(parsed.source).forged();
  }

  #settle(): Settled {
    const keys = new Set<string>();
    for (const each of this.#ended()) each.end(keys);
    const sources = [...this.#sources.values()].filter((each) => each.phase !== "ended");
    const complete = sources.filter((each) => each.phase === "complete");
    const isWhole = sources.length > 0 && complete.length === sources.length;
    this.#phase = isWhole ? "whole" : sources.length > 0 ? "incomplete" : "unpublished";
    if (!isWhole && !this.#isServing) return { change: undefined };
    for (const each of complete) each.adopt(this.#incarnation, keys);
    return { change: keys.size > 0 || !this.#isServing ? this.#merge(keys) : undefined };
  }

  /**
   * The sources that have ended: they were complete in this very store, and it holds no commit of them any more. In another store
   * the same is a loss, and the last source of a bucket is never taken for ended: an empty mesh is worse than an old one.
   */
  #ended(): SourceState[] {
    const sources = [...this.#sources.values()];
    const isPublished = sources.some(({ phase }) => phase === "complete" || phase === "incomplete");
    return isPublished ? sources.filter((each) => each.isMissingIn(this.#incarnation)) : [];
  }

  #merge(keys: ReadonlySet<string>): EntriesChange | undefined {
    const puts = new Map<string, Uint8Array>();
    const deletes = new Set<string>();
    const byName = [...this.#sources].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, source]) => source);
    for (const key of keys) {
      const value = byName.find(({ applied }) => applied.has(key))?.applied.get(key);
      const old = this.#merged.get(key);
      if (value === undefined) {
        if (this.#merged.delete(key)) deletes.add(key);
      } else if (!old || Buffer.compare(old, value) !== 0) {
        this.#merged.set(key, value);
        puts.set(key, value);
      }
    }
    const first = !this.#isServing;
    this.#isServing = true;
    return first || puts.size > 0 || deletes.size > 0 ? { puts, deletes, first } : undefined;
  }

  #source(name: string): SourceState {
    let source = this.#sources.get(name);
    if (!source) {
      source = new SourceState(undefined, this.#only?.wants);
      this.#sources.set(name, source);
    }
    return source;
  }

  #isRead(key: string): boolean {
    return this.#only === undefined || this.#only.wants(this.#only.partOf(key));
  }

  #named(isSo: (source: SourceState) => boolean): string[] {
    return [...this.#sources].filter(([, each]) => isSo(each)).map(([name]) => name);
  }
}
