import { backoff } from "@xebec/core-async";
import { type DeliveryContext, RejectedError } from "@xebec/mixer-sdk";
import type { Counts } from "./counts.ts";
import type { Parcel } from "./parcel.ts";

/** Between two tries of what a sink did not take. */
const PAUSE = { baseMs: 500, maxMs: 30_000 };
const MAX_RETRY_AFTER_MS = 60_000;

export interface SenderOptions {
  readonly context: DeliveryContext;
  send(records: readonly unknown[], signal: AbortSignal): Promise<void>;
  readonly maxRecords: number;
  readonly maxBytes: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly maxAgeMs: number;
  /** So many parcels are sent although more could gather. */
  readonly maxParcels: number;
  readonly counts: Counts;
}

/** Sends parcels to a sink, one batch at a time, in the order in which they came, and again until the sink takes them or they are old. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #waiting: Parcel[] = [];
  readonly #abort = new AbortController();
  #records = 0;
  #bytes = 0;
  #sending: Promise<void> | undefined;
  #failures = 0;
  #stopTimer: (() => void) | undefined;
  #isClosed = false;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** How many records wait, those on their way included. */
  get records(): number {
    return this.#records;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(parcel: Parcel): void {
    this.#waiting.push(parcel);
    this.#records += parcel.records.length;
    this.#bytes += parcel.bytes;
    this.#schedule();
  }

  /** Sends what waits, once, and gives the rest back. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopTimer?.();
    await this.#sending;
    while (this.#waiting.length > 0 && this.#failures === 0) await this.#sendBatch();
    this.#abort.abort();
    for (const each of this.#waiting.splice(0)) {
      this.#forget(each);
      if (!each.giveBack()) this.#options.counts.drop("closed", each.records.length);
    }
  }

  #schedule(): void {
    if (this.#isClosed || this.#sending || this.#waiting.length === 0) return;
    const { maxRecords, maxBytes, maxParcels, intervalMs } = this.#options;
    const isFull =
      this.#records >= maxRecords || this.#bytes >= maxBytes || this.#waiting.length >= maxParcels || intervalMs === 0;
    if (this.#failures > 0) return; // its pause is running
    if (isFull) this.#begin();
    else if (!this.#stopTimer) this.#after(intervalMs);
  }

  #after(ms: number): void {
    this.#stopTimer?.();
    const stop = this.#options.context.clock.every(ms, () => {
      stop();
      this.#stopTimer = undefined;
      this.#begin();
    });
    this.#stopTimer = stop;
  }

  #begin(): void {
    if (this.#sending || this.#isClosed) return;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#sending = this.#sendBatch().finally(() => {
      this.#sending = undefined;
      this.#schedule();
    });
  }

  /** Sends the parcels that make one batch. A failure keeps them, and begins a pause. */
  async #sendBatch(): Promise<void> {
    this.#expire();
    const batch = this.#nextBatch();
    if (batch.length === 0) return;
    const { counts, context } = this.#options;
    const { handler, log } = context;
    const records = batch.flatMap((each) => each.records);
    if (this.#failures > 0) counts.count("retried", records.length);
    try {
      const rejected = await this.#trySend(records);
      counts.count("delivered", records.length - rejected.count);
      counts.drop("rejected", rejected.count);
      if (rejected.count > 0)
        log.warn({ handler, err: rejected.error, records: rejected.count }, "a sink refuses records; they are dropped");
      if (this.#failures > 0) {
        log.info({ handler }, "a sink takes records again");
        context.health("ready");
      }
      this.#failures = 0;
      for (const each of this.#waiting.splice(0, batch.length)) {
        this.#forget(each);
        each.done();
      }
    } catch (error) {
      if (this.#failures++ === 0) log.warn({ handler, err: error }, "a sink takes nothing; its records wait");
      context.health("degraded", `the sink takes nothing, its records wait: ${(error as Error).message}`);
      const asked = (error as { readonly retryAfterMs?: unknown }).retryAfterMs;
      const pause = Math.max(backoff(this.#failures - 1, PAUSE), typeof asked === "number" ? asked : 0);
      if (!this.#isClosed) this.#after(Math.min(pause, MAX_RETRY_AFTER_MS));
    }
  }

  #nextBatch(): Parcel[] {
    const { maxRecords, maxBytes } = this.#options;
    const batch: Parcel[] = [];
    let [records, bytes] = [0, 0];
    for (const each of this.#waiting) {
      records += each.records.length;
      bytes += each.bytes;
      if (batch.length > 0 && (records > maxRecords || bytes > maxBytes)) break;
      batch.push(each);
    }
    return batch;
  }

  /** @returns how many the sink refuses for good @throws what the sink fails with otherwise */
  async #trySend(records: readonly string[]): Promise<{ readonly count: number; readonly error?: unknown }> {
    const { maxRecords, send, timeoutMs } = this.#options;
    if (records.length > maxRecords) {
      const [first, rest] = [await this.#trySend(records.slice(0, maxRecords)), records.slice(maxRecords)];
      const second = await this.#trySend(rest);
      return { count: first.count + second.count, error: first.error ?? second.error };
    }
    const late = AbortSignal.timeout(timeoutMs);
    try {
      await untilAborted(
        send(
          records.map((each) => JSON.parse(each) as unknown),
          AbortSignal.any([late, this.#abort.signal]),
        ),
        late,
        timeoutMs,
      );
      return { count: 0 };
    } catch (error) {
      if (!(error instanceof RejectedError)) throw error;
      if (records.length === 1) return { count: 1, error };
      const middle = records.length >> 1;
      const first = await this.#trySend(records.slice(0, middle));
      const second = await this.#trySend(records.slice(middle));
      return { count: first.count + second.count, error };
    }
  }

  #expire(): void {
    const { context, maxAgeMs, counts } = this.#options;
    const since = context.clock.now() - maxAgeMs;
    while (this.#waiting[0] && this.#waiting[0].addedAt < since) {
      const old = this.#waiting.shift() as Parcel;
      this.#forget(old);
      counts.drop("expired", old.records.length);
      old.done();
    }
  }

  #forget(parcel: Parcel): void {
    this.#records -= parcel.records.length;
    this.#bytes -= parcel.bytes;
  }
}

/** A sink's client may not heed the signal: nobody waits for it then. */
async function untilAborted(work: Promise<void>, late: AbortSignal, timeoutMs: number): Promise<void> {
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new Error(`the sink did not answer within ${timeoutMs} ms`));
    late.addEventListener("abort", stop, { once: true });
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    late.removeEventListener("abort", stop);
    work.catch(() => undefined);
  }
}
