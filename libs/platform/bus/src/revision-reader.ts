import { Coalescer, sleep } from "@xebec/core-async";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { Metrics } from "@xebec/core-metrics";
import { isSourceOf } from "@xebec/model-bus";
import type { ConfigPosition } from "@xebec/model-resources";
import type { Bus } from "./bus.ts";
import { type CachedSource, readCache, writeCache } from "./cache-file.ts";
import { decodeCommit, parseSourceKey } from "./commit.ts";
import { HashedEntries } from "./hashed-entries.ts";
import type { KeyValueWatch } from "./key-value.ts";
import { adopt, emptySource, endedSources, isComplete, type ReaderSource, retire } from "./reader-source.ts";
import { ResyncingConsumer } from "./resyncing-consumer.ts";

/** A change that is complete in itself. */
export interface RevisionChange {
  readonly puts: ReadonlyMap<string, Uint8Array>;
  readonly deletes: ReadonlySet<string>;
  /** True for the first state since the start, and after a change that was not taken over: `puts` is everything. */
  readonly first: boolean;
  /** The revision of each source after the change. */
  readonly revisions: Readonly<Record<string, number>>;
}

export interface RevisionReaderOptions {
  readonly bus: Bus;
  readonly bucket: string;
  /** Name of the component (`<bucket> reader`). */
  readonly name?: string;
  /** Where the last good state is kept, so that a restarted service serves while the bus is down. */
  readonly cacheFile?: string | undefined;
  /** Called with whole revisions only, one at a time. When it throws, everything is told again, with the next change or later. */
  apply(change: RevisionChange): void;
  /**
   * Told when everything up to here was applied and the bus has confirmed it, also when a revision brought nothing that differs.
   */
  reached?(position: ConfigPosition): void;
  readonly metrics?: Metrics;
}

export interface RevisionReader extends Component {
  /** True when what is held equals what every source has committed. A bucket that is empty or was lost is never synced. */
  readonly synced: boolean;
  /** True when the state came from the cache file and the bus has not confirmed it yet. */
  readonly restored: boolean;
  /** Everything that was applied. When two sources hold a key, the one whose name comes first wins. */
  entries(): ReadonlyMap<string, Uint8Array>;
}

/** The last good state is written soon after a change, once who reads it has passed it on; while changes follow each other, now and then. */
const CACHE_SOON_MS = 50;
const CACHE_PAUSE_MS = 500;
const INCOMPLETE_MS = 5_000;
const log = logger("bus");

/** Makes a reader of a bucket in revisions. */
export function createRevisionReader(options: RevisionReaderOptions): RevisionReader {
  return new Reader(options);
}

class Reader implements RevisionReader {
  readonly name: string;
  readonly #options: RevisionReaderOptions;
  readonly #sources = new Map<string, ReaderSource>();
  readonly #merged = new Map<string, Uint8Array>();
  readonly #stop = new AbortController();
  readonly #cache: Coalescer;
  readonly #delivery: ResyncingConsumer;
  #watch: KeyValueWatch | undefined;
  #listed = false;
  /** The store that the bus has now. */
  #incarnation = "";
  /** Sources whose store was lost, and that have not come back. */
  #kept = "";
  #appliedOnce = false;
  #restored = false;
  #synced = false;
  #cacheDue = false;
  #cachedAt = Number.NEGATIVE_INFINITY;
  #confirmedAt = performance.now();
  #incompleteSince: number | undefined;
  /** The position that was told last, as text. */
  #reached = "";
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RevisionReaderOptions) {
    this.name = options.name ?? `${options.bucket} reader`;
    this.#options = options;
    this.#delivery = new ResyncingConsumer(this.name, (change) => options.apply(change), this.#stop.signal);
    this.#cache = new Coalescer(() => this.#saveCache());
    const { metrics, bucket } = options;
    metrics?.gauge("xebec_bus_synced", "1 when the state equals what its sources committed.", ["bucket"]);
    this.#gauge(0);
    const stale = metrics?.gauge("xebec_bus_staleness_seconds", "Time since the bus confirmed the state.", ["bucket"]);
    if (stale) {
      const tell = (): void =>
        stale.set({ bucket }, this.#appliedOnce ? (performance.now() - this.#confirmedAt) / 1000 : 0);
      this.#tellStaleness = tell;
    }
  }
  #tellStaleness: (() => void) | undefined;

  get synced(): boolean {
    return this.#synced;
  }

  get restored(): boolean {
    return this.#restored && !this.#synced;
  }

  entries(): ReadonlyMap<string, Uint8Array> {
    return this.#merged;
  }

  missing(): readonly string[] {
    const { bucket, bus } = this.#options;
    const { fault } = this.#delivery;
    if (fault !== undefined) return [`a change of the bucket "${bucket}" could not be taken over: ${fault}`];
    if (this.#synced || this.#appliedOnce) return [];
    if (!this.#listed)
      return [
        `the bucket "${bucket}" ${bus.connected ? "does not exist on the bus yet" : "is unknown: the bus is down"}`,
      ];
    const open = [...this.#sources].filter(([, source]) => !isComplete(source)).map(([name]) => name);
    return [
      open.length > 0
        ? `the bucket "${bucket}": a revision of ${open.join(", ")} is incomplete`
        : `the bucket "${bucket}": no source has published anything`,
    ];
  }

  async start(): Promise<void> {
    await this.#restore();
    this.#watch = this.#options.bus.bucket(this.#options.bucket).watch({
      entry: (text, value) => this.#entry(text, value),
      synced: (incarnation) => {
        this.#incarnation = incarnation;
        this.#listed = true;
        this.#endMissing();
        this.#evaluate();
        this.#tellKept();
      },
      lost: (incarnation) => {
        this.#incarnation = incarnation;
        this.#lost();
      },
      forged: (text) => {
        const parsed = parseSourceKey(text);
        if (parsed && parsed.key === undefined && isSourceOf(this.#options.bucket, parsed.source))
          this.#source(parsed.source).disputed = true;
      },
      confirmed: () => {
        this.#confirmedAt = performance.now();
        if (!this.#synced) this.#evaluate();
      },
    });
    this.#timer = setInterval(() => this.#tick(), 1_000);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    this.#watch?.close();
    clearInterval(this.#timer);
    this.#stop.abort();
    if (this.#cacheDue) await this.#cache.request();
  }

  async #restore(): Promise<void> {
    const { cacheFile } = this.#options;
    if (cacheFile === undefined) return;
    try {
      const cached = await readCache(cacheFile);
      if (!cached) return;
      for (const [name, { revision, incarnation, entries }] of cached)
        if (isSourceOf(this.#options.bucket, name))
          this.#sources.set(name, { ...emptySource(), applied: new Map(entries), revision, incarnation });
      this.#restored = true;
      const keys = new Set([...cached.values()].flatMap(({ entries }) => [...entries.keys()]));
      this.#merge(keys);
    } catch (error) {
      log.warn({ err: error, reader: this.name }, "the last good state cannot be used");
    }
  }

  #entry(text: string, value: Uint8Array | undefined): void {
    const parsed = parseSourceKey(text);
    if (!parsed || !isSourceOf(this.#options.bucket, parsed.source)) return;
    const source = this.#source(parsed.source);
    if (parsed.key === undefined) {
      source.commit = value && decodeCommit(value);
      source.disputed = value !== undefined && source.commit === undefined;
      if (source.commit) source.retired = false;
      if (!this.#listed) return;
      if (value === undefined) this.#endMissing();
      this.#evaluate();
      this.#tellKept();
    } else if (source.seen.set(parsed.key, value)) {
      source.touched?.add(parsed.key);
      if (source.commit && this.#synced && !isComplete(source)) this.#incompleteSince ??= performance.now();
    }
  }

  #source(name: string): ReaderSource {
    let source = this.#sources.get(name);
    if (!source) {
      source = emptySource();
      this.#sources.set(name, source);
    }
    return source;
  }

  // What was applied stays: a loss is no deletion. The sources publish everything again and commit it.
  #lost(): void {
    log.warn(
      { reader: this.name },
      "the bus lost this bucket; the last good one is served until it is published again",
    );
    for (const source of this.#sources.values()) {
      source.seen = new HashedEntries();
      source.commit = undefined;
      source.touched = undefined;
      source.incarnation = "";
    }
    this.#setSynced(false);
  }

  /** Drops sources whose commit is gone from the store in which they had been complete. */
  #endMissing(): void {
    const keys = new Set<string>();
    const ended = endedSources(this.#sources.values(), this.#incarnation);
    for (const source of ended) retire(source, keys);
    if (ended.length === 0) return;
    log.info({ reader: this.name, sources: ended.length, entries: keys.size }, "sources of this bucket have ended");
    if (this.#appliedOnce) this.#merge(keys);
  }

  /** Says which sources are served as they were before the server lost them. */
  #tellKept(): void {
    const names = [...this.#sources].filter(([, each]) => each.commit === undefined && each.applied.size > 0);
    const { metrics, bucket } = this.#options;
    metrics
      ?.gauge("xebec_bus_kept_sources", "Sources that are served as they were before the bus lost them.", ["bucket"])
      .set({ bucket }, names.length);
    const text = names.map(([name]) => name).join(", ");
    if (text !== "" && text !== this.#kept)
      log.warn({ reader: this.name, sources: text }, "sources are served as they were; they have not published again");
    this.#kept = text;
  }

  #evaluate(): void {
    const sources = [...this.#sources.values()].filter((each) => !each.retired);
    const complete = sources.filter(isComplete);
    const all = complete.length === sources.length && sources.length > 0;
    // The first state is applied whole: half of it would look like deletions to whoever builds on it.
    if (all || this.#appliedOnce) {
      const changed = complete.filter((source) => source.touched === undefined || source.touched.size > 0);
      const keys = new Set<string>();
      for (const source of changed) adopt(source, keys);
      for (const source of complete) {
        source.revision = source.commit?.revision ?? 0;
        source.incarnation = this.#incarnation;
      }
      if (!this.#appliedOnce || keys.size > 0) this.#merge(keys);
    }
    this.#incompleteSince = all ? undefined : (this.#incompleteSince ?? performance.now());
    this.#setSynced(all && this.#listed && this.#delivery.fault === undefined);
    if (this.#synced) this.#tellReached();
  }

  #tellReached(): void {
    const { reached } = this.#options;
    if (!reached) return;
    const position = { revisions: this.#revisions(), incarnation: this.#incarnation };
    const mark = JSON.stringify(position);
    if (mark === this.#reached) return;
    this.#reached = mark;
    reached(position);
  }

  #revisions(): Record<string, number> {
    return Object.fromEntries([...this.#sources].map(([name, source]) => [name, source.revision]));
  }

  /** Brings the merged view up to date for these keys and tells the change. */
  #merge(keys: ReadonlySet<string>): void {
    const puts = new Map<string, Uint8Array>();
    const deletes = new Set<string>();
    const byName = [...this.#sources].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, source]) => source);
    for (const key of keys) {
      const value = byName.find((source) => source.applied.has(key))?.applied.get(key);
      const old = this.#merged.get(key);
      if (value === undefined) {
        if (this.#merged.delete(key)) deletes.add(key);
      } else if (!old || Buffer.compare(old, value) !== 0) {
        this.#merged.set(key, value);
        puts.set(key, value);
      }
    }
    const first = !this.#appliedOnce;
    this.#appliedOnce = true;
    this.#scheduleCache();
    if (!first && puts.size === 0 && deletes.size === 0) return;
    this.#deliver(puts, deletes, first);
  }

  #deliver(puts: ReadonlyMap<string, Uint8Array>, deletes: ReadonlySet<string>, first: boolean): void {
    const revisions = this.#revisions();
    this.#delivery.deliver({ puts, deletes, first, revisions }, this.#merged, () => {
      this.#deliver(new Map(), new Set(), true);
      this.#evaluate();
    });
  }

  #setSynced(value: boolean): void {
    if (value && !this.#synced) log.debug({ reader: this.name }, "synced");
    this.#synced = value;
    if (value) this.#restored = false;
    this.#gauge(value ? 1 : 0);
  }

  #gauge(value: number): void {
    const { metrics, bucket } = this.#options;
    metrics
      ?.gauge("xebec_bus_synced", "1 when the state equals what its sources committed.", ["bucket"])
      .set({ bucket }, value);
  }

  // A revision that stays incomplete means a writer that died in its middle, or a copy that is wrong: read it all again.
  #tick(): void {
    this.#tellStaleness?.();
    if (this.#incompleteSince === undefined || !this.#listed) return;
    if (performance.now() - this.#incompleteSince < INCOMPLETE_MS) return;
    this.#incompleteSince = performance.now();
    if ([...this.#sources.values()].some((source) => source.commit && !isComplete(source))) this.#watch?.refresh();
  }

  #scheduleCache(): void {
    if (this.#options.cacheFile === undefined || this.#cacheDue) return;
    this.#cacheDue = true;
    const wait = Math.max(CACHE_SOON_MS, CACHE_PAUSE_MS - (performance.now() - this.#cachedAt));
    void sleep(wait, this.#stop.signal).then(() => {
      if (!this.#stop.signal.aborted) return this.#cache.request();
    });
  }

  async #saveCache(): Promise<void> {
    const { cacheFile } = this.#options;
    if (cacheFile === undefined || !this.#cacheDue) return;
    this.#cacheDue = false;
    this.#cachedAt = performance.now();
    const sources = new Map<string, CachedSource>();
    for (const [name, { applied, revision, incarnation, retired }] of this.#sources)
      if (!retired) sources.set(name, { entries: applied, revision, incarnation });
    try {
      await writeCache(cacheFile, sources);
    } catch (error) {
      log.error({ err: error, reader: this.name }, "the last good state cannot be written");
    }
  }
}
