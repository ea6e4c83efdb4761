import type { QuotaArgs, QuotaResult, SharedTable } from "@xebec/mixer-sdk";
import { type CounterState, decide, EMPTY_STATE, type Limit } from "./counter-state.ts";

/** So often somebody else may be faster before it is given up. */
const TRIES = 50;
/** Most requests that one write decides about. */
const BATCH = 500;
/** A counter of units that are held is kept this long after its last use. */
const HELD_MS = 24 * 3_600_000;

interface Waiting {
  readonly limit: Limit;
  readonly args: QuotaArgs;
  readonly resolve: (result: QuotaResult) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One counter that all replicas share. Requests that come while a write is under way wait for the next one, which decides about all of them:
 * so there is one write at a time, however many requests there are.
 */
export class SharedCounter {
  readonly #table: SharedTable;
  readonly #key: string;
  readonly #now: () => number;
  readonly #rememberMs: number;
  #waiting: Waiting[] = [];
  #running = false;
  /** As it was read or written last; somebody else may have changed it. */
  #known: { readonly revision: number; readonly state: CounterState } | undefined;
  usedAt = 0;

  constructor(table: SharedTable, key: string, now: () => number, rememberMs: number) {
    this.#table = table;
    this.#key = key;
    this.#now = now;
    this.#rememberMs = rememberMs;
  }

  get isIdle(): boolean {
    return !this.#running && this.#waiting.length === 0;
  }

  ask(limit: Limit, args: QuotaArgs): Promise<QuotaResult> {
    this.usedAt = this.#now();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ limit, args, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      try {
        const results = await this.#decide(batch);
        for (const [i, { resolve }] of batch.entries()) resolve(results[i] as QuotaResult);
      } catch (error) {
        this.#known = undefined;
        for (const { reject } of batch) reject(error);
      }
    }
    this.#running = false;
  }

  async #decide(batch: readonly Waiting[]): Promise<QuotaResult[]> {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const { revision, state } = this.#known ?? (await this.#read());
      const next = structuredClone(state);
      const now = this.#now();
      const results = batch.map(({ limit, args }) => decide(next, limit, args, now, this.#rememberMs));
      const longest = Math.max(...batch.map(({ limit }) => (limit.validMs === 0 ? HELD_MS : limit.validMs * 2)));
      const ttlMs = Math.max(longest, this.#rememberMs, 1_000);
      const written = await this.#table.put(this.#key, Buffer.from(JSON.stringify(next)), revision, ttlMs);
      if (written !== undefined) {
        this.#known = { revision: written, state: next };
        return results;
      }
      this.#known = undefined;
    }
    throw new Error(`the counter ${this.#key} changes too fast: somebody else was faster ${TRIES} times`);
  }

  async #read(): Promise<{ readonly revision: number; readonly state: CounterState }> {
    const entry = await this.#table.get(this.#key);
    if (!entry) return { revision: 0, state: structuredClone(EMPTY_STATE) };
    return { revision: entry.revision, state: JSON.parse(Buffer.from(entry.value).toString()) as CounterState };
  }
}
