import { Coalescer } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { Metrics } from "@xebec/core-metrics";
import type { KeySet, KeySetChange, KeySetRef } from "@xebec/pilot-snapshot";
import type { AddressPolicy } from "@xebec/platform-http/guarded";
import { fetchKeySet } from "./fetch-key-set.ts";
import { type Fetched, readKeySets, writeKeySets } from "./key-set-file.ts";
import { ISTIO_SCHEDULE, LONGEST_LIFE_MS, pauseMs, type Schedule } from "./schedule.ts";

const log = logger("jwks");
/** Most fetches under way at a time. */
const AT_A_TIME = 8;

export interface KeySetsOptions {
  /** Which addresses may be called. */
  readonly policy: AddressPolicy;
  readonly metrics: Metrics;
  /** More certificates that servers may be verified by, PEM. */
  readonly roots?: string | undefined;
  readonly schedule?: Schedule;
  /** Keeps the key sets for a restart. */
  readonly cacheFile?: string | undefined;
  /** Gets what became another one. */
  onChange(change: KeySetChange): void;
}

/** Fetches the keys that verify tokens, and fetches them again. It owns them; the snapshot has a copy. */
export interface KeySets extends Component {
  /**
   * Begins to fetch what is new.
   * @returns when each was tried once, or after `limitMs`: then what is late comes by `onChange`
   */
  prepare(refs: readonly KeySetRef[], limitMs: number): Promise<void>;
  /** Forgets all others. */
  keepOnly(refs: readonly KeySetRef[]): void;
}

export function createKeySets(options: KeySetsOptions): KeySets {
  return new FetchedKeySets(options);
}

interface Entry {
  ref: KeySetRef;
  fetched: Fetched | undefined;
  problem: string;
  failures: number;
  timer: NodeJS.Timeout | undefined;
  /** The first attempt. */
  readonly first: Promise<void>;
  tried(): void;
}

class FetchedKeySets implements KeySets {
  readonly name = "key sets";
  readonly #options: KeySetsOptions;
  readonly #schedule: Schedule;
  readonly #entries = new Map<string, Entry>();
  readonly #waiting: Entry[] = [];
  readonly #stop = new AbortController();
  readonly #keeping = new Coalescer(() => this.#keep());
  readonly #successes;
  readonly #failures;
  #kept: ReadonlyMap<string, Fetched> = new Map();
  #active = 0;

  constructor(options: KeySetsOptions) {
    this.#options = options;
    this.#schedule = options.schedule ?? ISTIO_SCHEDULE;
    const count = (name: string, help: string) =>
      options.metrics.counter(`pilot_jwks_resolver_network_fetch_${name}_total`, help);
    this.#successes = count("success", "Key sets that were fetched.");
    this.#failures = count("fail", "Attempts to fetch a key set that failed.");
  }

  async start(): Promise<void> {
    const { cacheFile } = this.#options;
    if (cacheFile) this.#kept = await readKeySets(cacheFile);
  }

  async prepare(refs: readonly KeySetRef[], limitMs: number): Promise<void> {
    const awaited = refs.map((ref) => this.#entry(ref)).filter(({ fetched }) => !fetched);
    if (awaited.length === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limitMs);
    });
    await Promise.race([Promise.all(awaited.map(({ first }) => first)), late]);
    clearTimeout(timer);
  }

  keepOnly(refs: readonly KeySetRef[]): void {
    const wanted = new Map(refs.map((ref) => [ref.id, ref]));
    const gone = new Map<string, undefined>();
    for (const [id, entry] of this.#entries) {
      const ref = wanted.get(id);
      if (ref) entry.ref = ref;
      else {
        clearTimeout(entry.timer);
        this.#entries.delete(id);
        entry.tried();
        gone.set(id, undefined);
      }
    }
    if (gone.size > 0) this.#options.onChange(gone);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    for (const { timer, tried } of this.#entries.values()) {
      clearTimeout(timer);
      tried();
    }
    await this.#keeping.request();
  }

  /** The entry of a reference; a new one is fetched at once, and until then is what an earlier process had. */
  #entry(ref: KeySetRef): Entry {
    const known = this.#entries.get(ref.id);
    if (known) return known;
    const { promise, resolve } = Promise.withResolvers<void>();
    const kept = this.#kept.get(ref.id);
    const entry: Entry = {
      ...{ ref, problem: "", failures: 0, timer: undefined, first: promise, tried: resolve },
      fetched: kept && isAlive(kept) ? kept : undefined,
    };
    this.#entries.set(ref.id, entry);
    if (entry.fetched) this.#report(entry);
    this.#enqueue(entry);
    return entry;
  }

  #enqueue(entry: Entry): void {
    this.#waiting.push(entry);
    this.#next();
  }

  #next(): void {
    while (this.#active < AT_A_TIME) {
      const entry = this.#waiting.shift();
      if (!entry) return;
      if (!this.#isWanted(entry)) continue;
      this.#active++;
      void this.#fetch(entry).finally(() => {
        this.#active--;
        this.#next();
      });
    }
  }

  async #fetch(entry: Entry): Promise<void> {
    const { policy, roots } = this.#options;
    const before = { ...entry };
    try {
      const jwks = await fetchKeySet(entry.ref, { policy, roots, signal: this.#stop.signal });
      this.#successes.inc();
      Object.assign(entry, { fetched: { jwks, at: Date.now() }, problem: "", failures: 0 });
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#failures.inc();
      entry.problem = XebecError.from(error).message;
      entry.failures++;
      if (entry.fetched && !isAlive(entry.fetched)) entry.fetched = undefined;
      if (before.problem !== entry.problem)
        log.warn({ keySet: entry.ref.id, problem: entry.problem }, "a key set cannot be fetched");
    }
    if (!this.#isWanted(entry)) return;
    if (before.fetched?.jwks !== entry.fetched?.jwks || before.problem !== entry.problem) this.#report(entry);
    if (entry.failures === 0) void this.#keeping.request();
    entry.tried();
    // Those of many rules that came at once are spread.
    const pause = pauseMs(entry.failures, this.#schedule) * (0.9 + 0.1 * Math.random());
    entry.timer = setTimeout(() => this.#enqueue(entry), pause).unref();
  }

  #isWanted(entry: Entry): boolean {
    return this.#entries.get(entry.ref.id) === entry && !this.#stop.signal.aborted;
  }

  #report({ ref, fetched, problem }: Entry): void {
    const keySet: KeySet = { jwks: fetched?.jwks, problem };
    this.#options.onChange(new Map([[ref.id, keySet]]));
  }

  async #keep(): Promise<void> {
    const { cacheFile } = this.#options;
    const sets = [...this.#entries].flatMap(([id, { fetched }]) => (fetched ? [[id, fetched] as const] : []));
    if (cacheFile) await writeKeySets(cacheFile, new Map(sets));
  }
}

function isAlive({ at }: Fetched): boolean {
  return Date.now() - at < LONGEST_LIFE_MS;
}
