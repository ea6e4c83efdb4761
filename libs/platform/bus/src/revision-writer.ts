import { Turns } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { type Component, deletionCollector } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { isSourceOf, partsOf } from "@xebec/model-bus";
import type { ConfigPosition } from "@xebec/model-resources";
import type { Bus } from "./bus.ts";
import { type Commit, checkSource, commitKey, decodeCommit, encodeCommit, entryKey, parseSourceKey } from "./commit.ts";
import { HashedEntries } from "./hashed-entries.ts";
import type { KeyValue, KeyValueWatch } from "./key-value.ts";
import { type Published, SourceReconciler } from "./source-reconciler.ts";

export interface RevisionWriterOptions {
  readonly bus: Bus;
  readonly bucket: string;
  /** The writer's name in the bucket, for example `kubernetes`. One process at a time may write as a source. */
  readonly source: string;
  /** Told after every revision, and when the server has another store, what of this source the bus holds then. */
  committed?(position: ConfigPosition): void;
}

/** Publishes what a source changed at once as one revision: readers apply all of it or nothing. */
export interface RevisionWriter extends Component {
  /** Makes `all` the whole content of the source. Resolves when it is committed; nothing is published when nothing changed. */
  replace(all: ReadonlyMap<string, Uint8Array>): Promise<Commit>;
  /** Changes some entries. */
  apply(change: {
    readonly puts: ReadonlyMap<string, Uint8Array>;
    readonly deletes: ReadonlySet<string>;
  }): Promise<Commit>;
}

type Change = { puts: ReadonlyMap<string, Uint8Array>; deletes: ReadonlySet<string> };

type Waiter = { resolve(commit: Commit): void; reject(error: unknown): void };

const log = logger("bus");

/**
 * Makes a writer. It first reads what the bucket holds of its source, so that after a restart only differences are written.
 * Changes that come while one is published are joined into the next revision. While the bus is down they wait. What somebody
 * else puts in its place is put right as long as it runs.
 * @throws XebecError invalid_argument for a source that no reader of the bucket believes
 */
export function createRevisionWriter(options: RevisionWriterOptions): RevisionWriter {
  const { bus, bucket, source } = options;
  checkSource(source);
  if (!isSourceOf(bucket, source))
    throw new XebecError("invalid_argument", `"${source}" is not a source of the bucket "${bucket}"`);
  return new Writer(bus.bucket(bucket), options);
}

class Writer implements RevisionWriter {
  readonly name: string;
  readonly #bucket: KeyValue;
  readonly #source: string;
  readonly #committed: RevisionWriterOptions["committed"];
  /** The store that the bus has now. */
  #incarnation = "";
  readonly #published: HashedEntries;
  /** A commit has the hash of each part. */
  readonly #hasParts: boolean;
  readonly #guard: SourceReconciler;
  #commit: Commit | undefined;
  #watch: KeyValueWatch | undefined;
  #ready = false;
  #closed = false;
  #working = false;
  /** Full content that is asked for, replaced by later ones; then the changes after it. */
  #full: ReadonlyMap<string, Uint8Array> | undefined;
  #changes: Change[] = [];
  #waiters: Waiter[] = [];
  /** Those whose revision is being published. */
  #served: Waiter[] = [];

  constructor(store: KeyValue, { bucket, source, committed }: RevisionWriterOptions) {
    const partOf = partsOf(bucket);
    this.#bucket = store;
    this.#published = new HashedEntries(partOf);
    this.#hasParts = partOf !== undefined;
    this.name = `${bucket} writer ${source}`;
    this.#source = source;
    this.#committed = committed;
    this.#guard = new SourceReconciler(store, source);
  }

  async start(): Promise<void> {
    this.#watch = this.#bucket.watch({
      entry: (text, value) => this.#existing(text, value),
      synced: (incarnation) => {
        this.#incarnation = incarnation;
        this.#ready = true;
        for (const [key, value] of this.#published.entries) this.#bucket.keep(entryKey(this.#source, key), value);
        this.#work();
      },
      lost: (incarnation) => {
        this.#incarnation = incarnation;
        this.#guard.forget();
        this.#notify();
      },
      forged: (text) => this.#existing(text, undefined),
      confirmed: () => {
        if (this.#ready && !this.#working && !this.#closed) this.#guard.repair(this.#stored);
      },
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watch?.close();
    this.#fail(new XebecError("cancelled", `${this.name} was closed before the bus took the change`));
  }

  replace(all: ReadonlyMap<string, Uint8Array>): Promise<Commit> {
    this.#full = new Map(all);
    this.#changes = [];
    return this.#wait();
  }

  apply({ puts, deletes }: Change): Promise<Commit> {
    this.#changes.push({ puts: new Map(puts), deletes: new Set(deletes) });
    return this.#wait();
  }

  #existing(text: string, value: Uint8Array | undefined): void {
    const parsed = parseSourceKey(text);
    if (parsed?.source !== this.#source) return;
    if (this.#ready) this.#guard.reported(text, parsed, value);
    else if (parsed.key === undefined) this.#commit = value && decodeCommit(value);
    else this.#published.set(parsed.key, value);
  }

  get #stored(): Published {
    return { entries: this.#published.entries, commit: this.#commit };
  }

  #wait(): Promise<Commit> {
    if (this.#closed) return Promise.reject(new XebecError("cancelled", `${this.name} is closed`));
    const result = new Promise<Commit>((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
    this.#work();
    return result;
  }

  #work(): void {
    if (!this.#ready || this.#working || this.#closed) return;
    this.#working = true;
    this.#loop()
      .catch((error: unknown) => {
        log.error({ err: error, writer: this.name }, "a revision could not be published");
        this.#fail(error);
      })
      .finally(() => {
        this.#working = false;
        // A change may have come between the last look and now.
        if (this.#waiters.length > 0) this.#work();
      });
  }

  async #loop(): Promise<void> {
    while (this.#waiters.length > 0 && !this.#closed) {
      this.#served = this.#waiters;
      this.#waiters = [];
      const commit = await this.#publish(this.#takeWanted());
      for (const each of this.#served.splice(0)) each.resolve(commit);
    }
  }

  /** What differs from what is published: values to put, undefined to delete. */
  #takeWanted(): Map<string, Uint8Array | undefined> {
    const desired = new Map<string, Uint8Array | undefined>();
    const full = this.#full;
    if (full) {
      for (const key of this.#published.entries.keys()) if (!full.has(key)) desired.set(key, undefined);
      for (const [key, value] of full) desired.set(key, value);
    }
    for (const { puts, deletes } of this.#changes) {
      for (const key of deletes) desired.set(key, undefined);
      for (const [key, value] of puts) desired.set(key, value);
    }
    this.#full = undefined;
    this.#changes = [];
    return desired;
  }

  async #publish(desired: ReadonlyMap<string, Uint8Array | undefined>): Promise<Commit> {
    const { disputed } = this.#guard;
    const changed = [...desired].filter(([key, value]) => disputed.has(key) || !this.#published.has(key, value));
    for (const key of disputed) if (!desired.has(key)) changed.push([key, this.#published.entries.get(key)]);
    if (this.#commit && changed.length === 0 && this.#isCommitted(this.#commit)) {
      this.#bucket.keep(commitKey(this.#source), encodeCommit(this.#commit));
      this.#notify();
      return this.#commit;
    }
    const turns = new Turns(256, 1);
    const writing: Promise<{ readonly error: unknown } | undefined>[] = [];
    for (const [key, value] of changed) {
      await turns.next();
      writing.push(
        this.#write(key, value).then(
          () => undefined,
          (error: unknown) => ({ error }),
        ),
      );
    }
    const failed = (await Promise.all(writing)).find((each) => each !== undefined);
    if (failed) throw failed.error;
    const revision = Math.max(this.#commit?.revision ?? 0, this.#guard.newer ?? 0) + 1;
    const commit = this.#commitOf(revision);
    await this.#bucket.put(commitKey(this.#source), encodeCommit(commit));
    this.#commit = commit;
    this.#guard.taken();
    deletionCollector.deleted(changed.filter(([, value]) => value === undefined).length, this.#published.entries.size);
    this.#notify();
    return commit;
  }

  #commitOf(revision: number): Commit {
    const { hash, parts } = this.#published;
    return this.#hasParts ? { revision, hash, parts } : { revision, hash };
  }

  #isCommitted(commit: Commit): boolean {
    return Buffer.compare(encodeCommit(commit), encodeCommit(this.#commitOf(commit.revision))) === 0;
  }

  #notify(): void {
    if (!this.#commit) return;
    this.#committed?.({
      revisions: { [this.#source]: this.#commit.revision },
      incarnation: this.#incarnation,
    });
  }

  /** An entry counts as published when it is stored, so that one that failed is tried with the next revision that has it. */
  async #write(key: string, value: Uint8Array | undefined): Promise<void> {
    const stored = entryKey(this.#source, key);
    await (value ? this.#bucket.put(stored, value) : this.#bucket.delete(stored));
    this.#published.set(key, value);
  }

  #fail(error: unknown): void {
    for (const each of [...this.#served.splice(0), ...this.#waiters.splice(0)]) each.reject(error);
  }
}
