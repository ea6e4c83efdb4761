import { Coalescer, sleep } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import { readCache, writeCache } from "./cache-file.ts";
import type { RememberedSource } from "./source-state.ts";

/** It is written soon after a change, once who reads has passed it on; while changes follow each other, now and then. */
const SOON_MS = 50;
const PAUSE_MS = 500;
const log = logger("bus");

/** The last known good entries of a bucket on disk, so that a restarted reader serves while the bus is down. */
export class LastKnownGood {
  readonly #reader: string;
  readonly #file: string | undefined;
  readonly #current: () => ReadonlyMap<string, RememberedSource>;
  readonly #save: Coalescer;
  readonly #stop = new AbortController();
  #isDue = false;
  #savedAt = Number.NEGATIVE_INFINITY;

  /** @param file absent: nothing is kept @param current gives what is to be kept */
  constructor(reader: string, file: string | undefined, current: () => ReadonlyMap<string, RememberedSource>) {
    this.#reader = reader;
    this.#file = file;
    this.#current = current;
    this.#save = new Coalescer(() => this.#write());
  }

  /** @returns undefined when there is none that can be used */
  async read(): Promise<ReadonlyMap<string, RememberedSource> | undefined> {
    if (this.#file === undefined) return undefined;
    try {
      return await readCache(this.#file);
    } catch (error) {
      log.warn({ err: error, reader: this.#reader }, "the last known good entries cannot be used");
      return undefined;
    }
  }

  /** Something has changed. */
  changed(): void {
    if (this.#file === undefined || this.#isDue) return;
    this.#isDue = true;
    const wait = Math.max(SOON_MS, PAUSE_MS - (performance.now() - this.#savedAt));
    void sleep(wait, this.#stop.signal).then(() => {
      if (!this.#stop.signal.aborted) return this.#save.request();
    });
  }

  /** Writes what is due, and waits for what is being written. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#save.request();
  }

  async #write(): Promise<void> {
    if (this.#file === undefined || !this.#isDue) return;
    this.#isDue = false;
    this.#savedAt = performance.now();
    try {
      await writeCache(this.#file, this.#current());
    } catch (error) {
      log.error({ err: error, reader: this.#reader }, "the last known good entries cannot be written");
    }
  }
}
