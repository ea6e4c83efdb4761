import { logger } from "@xebec/core-log";
import { type Commit, commitKey, decodeCommit, encodeCommit, entryKey, type SourceKey } from "./commit.ts";
import type { KeyValue } from "./key-value.ts";

const log = logger("bus");

/** What a writer has published: the guard's measure. */
export interface Published {
  readonly entries: ReadonlyMap<string, Uint8Array>;
  readonly commit: Commit | undefined;
}

/**
 * Sees what the bus holds of a source besides what its writer published, and puts that right. The server can be made to write
 * under a name that it does not know (ADR 4), and readers wait until the source is whole again.
 */
export class SourceReconciler {
  readonly #bucket: KeyValue;
  readonly #source: string;
  /** What was reported since the last look, by key of the bucket. What is right can change while a revision is written. */
  readonly #reported = new Map<string, { readonly at: SourceKey; readonly value: Uint8Array | undefined }>();
  /** Keys that another process has written while its state counts. */
  readonly #theirs = new Set<string>();
  #newer: number | undefined;

  constructor(bucket: KeyValue, source: string) {
    this.#bucket = bucket;
    this.#source = source;
  }

  /** The revision that another process has published as this source; undefined when there is none. */
  get newer(): number | undefined {
    return this.#newer;
  }

  /** Keys of the source that another process may have changed: a writer whose state is to count again writes them anew. */
  get disputed(): ReadonlySet<string> {
    if (this.#newer === undefined) return new Set();
    return new Set([...this.#theirs, ...[...this.#reported.values()].flatMap(({ at }) => at.key ?? [])]);
  }

  /** The writer has published again: its own state counts from now on. */
  taken(): void {
    this.#newer = undefined;
    this.#theirs.clear();
  }

  /** @param value undefined: it was deleted, or what is there is not a writer's */
  reported(text: string, at: SourceKey, value: Uint8Array | undefined): void {
    this.#reported.set(text, { at, value });
  }

  /** The server lost everything; it is written anew by the bucket. */
  forget(): void {
    this.#reported.clear();
  }

  /** Puts right what still differs. To be called when nothing is being written and the bus has sent everything. */
  repair(published: Published): void {
    const found = [...this.#reported.values()].filter(({ at, value }) => differs(at, value, published));
    this.#reported.clear();
    if (found.length === 0 || !published.commit) return;
    const commit = found.find(({ at }) => at.key === undefined)?.value;
    const theirs = commit && decodeCommit(commit);
    if (theirs && theirs.revision > (published.commit?.revision ?? 0)) {
      // A later process writes as this source: its state is the one that counts.
      if (this.#newer === undefined) log.warn({ source: this.#source }, "another process publishes as this source");
      this.#newer = theirs.revision;
    }
    if (this.#newer !== undefined) {
      for (const { at } of found) if (at.key !== undefined) this.#theirs.add(at.key);
      return;
    }
    log.warn({ source: this.#source, entries: found.length }, "the bus held what this source did not publish");
    for (const { at } of found) {
      const key = at.key === undefined ? commitKey(this.#source) : entryKey(this.#source, at.key);
      const value = desired(at, published);
      const done = value ? this.#bucket.put(key, value) : this.#bucket.delete(key);
      done.catch((error: unknown) => log.error({ err: error, entry: key }, "an entry could not be put right"));
    }
  }
}

function desired(at: SourceKey, { entries, commit }: Published): Uint8Array | undefined {
  if (at.key !== undefined) return entries.get(at.key);
  return commit && encodeCommit(commit);
}

function differs(at: SourceKey, value: Uint8Array | undefined, published: Published): boolean {
  const own = desired(at, published);
  return own && value ? Buffer.compare(own, value) !== 0 : own !== value;
}
