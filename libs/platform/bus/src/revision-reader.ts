import { type Component, deletionCollector } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { Metrics } from "@xebec/core-metrics";
import { isSourceOf, partsOf } from "@xebec/model-bus";
import type { ConfigPosition } from "@xebec/model-resources";
import { BucketState, type EntriesChange, type Settled } from "./bucket-state.ts";
import type { Bus } from "./bus.ts";
import type { KeyValueWatch } from "./key-value.ts";
import { LastKnownGood } from "./last-known-good.ts";
import { ReaderMetrics } from "./reader-metrics.ts";
import { ResyncingConsumer } from "./resyncing-consumer.ts";
import type { RevisionChange } from "./revision-change.ts";
import type { PartFilter } from "./source-state.ts";

export interface RevisionReaderOptions {
  readonly bus: Bus;
  readonly bucket: string;
  /**
   * Says of a part of the bucket (`partsOf` in model/bus) whether it is read; absent: all are. What is not read costs neither memory
   * nor hashing, and `position` counts its revisions all the same.
   */
  readonly parts?: PartFilter;
  /** Name of the component (`<bucket> reader`). */
  readonly name?: string;
  /** Where the last known good entries are kept, so that a restarted service serves while the bus is down. */
  readonly cacheFile?: string | undefined;
  /** Called with whole revisions only, one at a time. When it throws, it is called with everything again, with the next change or later. */
  apply(change: RevisionChange): void;
  /**
   * Called when everything up to here was applied and the bus has confirmed it, also when a revision brought nothing that differs.
   */
  reached?(position: ConfigPosition): void;
  readonly metrics?: Metrics;
}

export interface RevisionReader extends Component {
  /** True when what is held equals what every source has committed. A bucket that is empty or was lost is never synced. */
  readonly synced: boolean;
  /** True when the entries came from the cache file and the bus has not confirmed them yet. */
  readonly restored: boolean;
  /** Everything that was applied. When two sources hold a key, the one whose name comes first wins. */
  entries(): ReadonlyMap<string, Uint8Array>;
}

const INCOMPLETE_MS = 5_000;
const TICK_MS = 1_000;
const log = logger("bus");

/**
 * Makes a reader of a bucket in revisions: it feeds what the bus reports into a `BucketState`, and hands what that changes to
 * `apply`, to the cache file and to the metrics. docs/bus.md has the whole picture.
 */
export function createRevisionReader(options: RevisionReaderOptions): RevisionReader {
  return new Reader(options);
}

class Reader implements RevisionReader {
  readonly name: string;
  readonly #options: RevisionReaderOptions;
  readonly #state: BucketState;
  readonly #consumer: ResyncingConsumer;
  readonly #cache: LastKnownGood;
  readonly #metrics: ReaderMetrics;
  readonly #stop = new AbortController();
  #watch: KeyValueWatch | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isFromCache = false;
  #wasSynced = false;
  #confirmedAt = performance.now();
  /** Since when some revision is half written; undefined: none is. */
  #halfWrittenSince: number | undefined;
  /** The position that was reported last, as text. */
  #reached = "";
  /** Names of sources that were logged as kept. */
  #kept = "";

  constructor(options: RevisionReaderOptions) {
    const { bucket, cacheFile, metrics, parts } = options;
    this.name = options.name ?? `${bucket} reader`;
    this.#options = options;
    this.#state = new BucketState(
      (source) => isSourceOf(bucket, source),
      parts && { partOf: partsOf(bucket) ?? (() => ""), wants: parts },
    );
    this.#consumer = new ResyncingConsumer(this.name, (change) => options.apply(change), this.#stop.signal);
    this.#cache = new LastKnownGood(this.name, cacheFile, () => this.#state.remembered());
    this.#metrics = new ReaderMetrics(metrics, bucket);
  }

  get synced(): boolean {
    return this.#state.phase === "whole" && this.#consumer.error === undefined;
  }

  get restored(): boolean {
    return this.#isFromCache && !this.synced;
  }

  entries(): ReadonlyMap<string, Uint8Array> {
    return this.#state.entries;
  }

  missing(): readonly string[] {
    const { bucket, bus } = this.#options;
    const { error } = this.#consumer;
    if (error !== undefined) return [`a change of the bucket "${bucket}" could not be taken over: ${error}`];
    if (this.#state.isServing) return [];
    switch (this.#state.phase) {
      case "listing":
        return [
          `the bucket "${bucket}" ${bus.connected ? "does not exist on the bus yet" : "is unknown: the bus is down"}`,
        ];
      case "unpublished":
        return [`the bucket "${bucket}": no source has published anything`];
      default:
        return [`the bucket "${bucket}": a revision of ${this.#state.incomplete.join(", ")} is incomplete`];
    }
  }

  async start(): Promise<void> {
    const remembered = await this.#cache.read();
    if (remembered) {
      this.#isFromCache = true;
      this.#apply(this.#state.restore(remembered));
    }
    this.#watch = this.#options.bus.bucket(this.#options.bucket).watch({
      wants: (key) => this.#state.wants(key),
      entry: (key, value) => this.#settled(this.#state.entry(key, value)),
      synced: (incarnation) => this.#settled(this.#state.listed(incarnation)),
      lost: (incarnation) => {
        log.warn(
          { reader: this.name },
          "the bus lost this bucket; what was applied is served until it is published again",
        );
        this.#state.lost(incarnation);
        this.#settled({ change: undefined });
      },
      forged: (key) => this.#state.forged(key),
      confirmed: () => {
        this.#confirmedAt = performance.now();
        if (!this.synced) this.#settled(this.#state.confirmed());
      },
    });
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    this.#watch?.close();
    clearInterval(this.#timer);
    this.#stop.abort();
    await this.#cache.close();
  }

  /** Hands over what an event changed, and reports where that brings the reader. */
  #settled(event: Settled | undefined): void {
    if (!event) return;
    this.#apply(event.change);
    const { synced } = this;
    if (synced !== this.#wasSynced) {
      this.#wasSynced = synced;
      this.#metrics.synced(synced);
      if (synced) log.debug({ reader: this.name }, "synced");
    }
    this.#reportKept();
    if (!synced) return;
    this.#isFromCache = false;
    this.#halfWrittenSince = undefined;
    this.#reportReached();
  }

  #apply(change: EntriesChange | undefined): void {
    if (!change) return;
    this.#cache.changed();
    this.#deliver(change);
  }

  #deliver({ puts, deletes, first }: EntriesChange): void {
    const { revisions } = this.#state.position;
    deletionCollector.deleted(deletes.size, this.#state.entries.size);
    this.#consumer.deliver({ puts, deletes, first, revisions }, this.#state.entries, () => {
      this.#deliver({ puts: new Map(), deletes: new Set(), first: true });
      this.#settled({ change: undefined });
    });
  }

  #reportReached(): void {
    const { reached } = this.#options;
    if (!reached) return;
    const { position } = this.#state;
    const text = JSON.stringify(position);
    if (text === this.#reached) return;
    this.#reached = text;
    reached(position);
  }

  #reportKept(): void {
    if (this.#state.phase === "listing") return;
    const { kept } = this.#state;
    const names = kept.join(", ");
    if (names === this.#kept) return;
    this.#kept = names;
    this.#metrics.kept(kept.length);
    if (names !== "")
      log.warn({ reader: this.name, sources: names }, "sources are served as they were; they have not published again");
  }

  // A revision that stays half written means a writer that died in its middle, or a copy that is wrong: read it all again.
  #tick(): void {
    const now = performance.now();
    this.#metrics.staleness(this.#state.isServing ? (now - this.#confirmedAt) / 1_000 : 0);
    if (!this.#state.isHalfWritten) {
      this.#halfWrittenSince = undefined;
      return;
    }
    this.#halfWrittenSince ??= now;
    if (this.#state.phase === "listing" || now - this.#halfWrittenSince < INCOMPLETE_MS) return;
    this.#halfWrittenSince = now;
    this.#watch?.refresh();
  }
}
