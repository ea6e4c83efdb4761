import { createHash } from "node:crypto";
import { isXebecError } from "@xebec/core-errors";
import type { AdapterLog, Clock } from "@xebec/mixer-sdk";
import { type EntryList, type EntryType, listOf, readEntries } from "./lists.ts";

/** Fetches the text behind a URL. Its errors have no user and no password in them. */
export type Fetch = (url: string, signal: AbortSignal) => Promise<string>;

export interface ProviderOptions {
  readonly url: string;
  readonly type: EntryType;
  /** Entries that are added to what the provider serves. */
  readonly overrides: readonly string[];
  readonly refreshMs: number;
  /** How long a list holds without a successful fetch. */
  readonly ttlMs: number;
  readonly clock: Clock;
  readonly log: AdapterLog;
  readonly fetch: Fetch;
}

/** A list that is fetched from a URL and kept fresh. */
export class ProvidedList {
  readonly #options: ProviderOptions;
  readonly #abort = new AbortController();
  #stop: () => void = () => undefined;
  #list: EntryList | undefined;
  #error: Error | undefined;
  #digest = "";
  #fetched = 0;

  constructor(options: ProviderOptions) {
    this.#options = options;
  }

  /**
   * Fetches once and begins to refresh. `current` throws the error of a fetch that failed.
   * @throws XebecError permission_denied for an address that may not be called: that does not pass
   */
  async start(): Promise<void> {
    await this.refresh();
    const { cause } = this.#error ?? {};
    if (isXebecError(cause) && cause.code === "permission_denied") throw cause;
    this.#stop = this.#options.clock.every(this.#options.refreshMs, () => void this.refresh());
  }

  close(): void {
    this.#stop();
    this.#abort.abort();
  }

  /**
   * The list; undefined when there is none and nothing is known to be wrong.
   * @throws the error of the last fetch when there is no list
   */
  current(): EntryList | undefined {
    const { clock, ttlMs } = this.#options;
    if (this.#list && clock.now() - this.#fetched > ttlMs) {
      this.#list = undefined;
      this.#digest = "";
    }
    if (!this.#list && this.#error) throw this.#error;
    return this.#list;
  }

  async refresh(): Promise<void> {
    const { url, type, overrides, clock, log, fetch } = this.#options;
    try {
      const body = await fetch(url, this.#abort.signal);
      const digest = createHash("sha1").update(body).digest("hex");
      if (digest !== this.#digest || !this.#list) this.#list = listOf(type, [...readEntries(type, body), ...overrides]);
      this.#digest = digest;
      this.#fetched = clock.now();
      this.#error = undefined;
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#error = new Error(`the list could not be fetched: ${(error as Error).message}`, { cause: error });
      log.warn({ err: error, url }, "a list could not be fetched; the one at hand stays until its time is over");
    }
  }
}
