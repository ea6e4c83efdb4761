import { checkKey } from "./key-codec.ts";
import type { SharedEntry, SharedTable } from "./shared-table.ts";

interface Entry extends SharedEntry {
  readonly until: number;
}

/** A sweep for every so many writes: keys may come from requests. */
const SWEEP = 1_000;

/** A table in the memory of a process. */
export class MemorySharedTable implements SharedTable {
  readonly #entries = new Map<string, Entry>();
  #writes = 0;

  async get(key: string): Promise<SharedEntry | undefined> {
    checkKey(key);
    return this.#live(key);
  }

  async put(key: string, value: Uint8Array, revision: number, ttlMs: number): Promise<number | undefined> {
    checkKey(key);
    if ((this.#live(key)?.revision ?? 0) !== revision) return undefined;
    const next = ++this.#writes;
    this.#entries.set(key, { value, revision: next, until: performance.now() + ttlMs });
    if (next % SWEEP === 0) for (const each of this.#entries.keys()) this.#live(each);
    return next;
  }

  #live(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry && entry.until <= performance.now()) {
      this.#entries.delete(key);
      return undefined;
    }
    return entry;
  }
}
