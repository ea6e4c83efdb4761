import { createHash } from "node:crypto";
import type { AdapterLog, Clock } from "@xebec/mixer-sdk";
import { type EntryList, type EntryType, listOf, readEntries } from "./lists.ts";

const MAX_BYTES = 16 << 20;
const FETCH_MS = 10_000;

export type Fetch = (url: string, init: { signal: AbortSignal }) => Promise<Response>;

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

  /** Fetches once and begins to refresh. A fetch that fails is told by `current`. */
  async start(): Promise<void> {
    await this.refresh();
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
      const response = await fetch(url, {
        signal: AbortSignal.any([this.#abort.signal, AbortSignal.timeout(FETCH_MS)]),
      });
      if (response.status !== 200) throw new Error(`${url} answered with status ${response.status}`);
      const body = await limitedText(response);
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

async function limitedText(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > MAX_BYTES) throw new Error(`the list is larger than ${MAX_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
