import { backoff, sleep, TurnLimit } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import type { Link, NatsLink } from "./nats-link.ts";
import { permissionError } from "./permission.ts";
import { WriteProgress } from "./write-progress.ts";

/** Most keys that are written at a time. */
const IN_FLIGHT = 64;
/** Most writes that one turn of the event loop begins: acknowledgements come by the hundred, and each makes room for another one. */
const IN_TURN = 64;
/** Short: while the servers of the bus elect a leader nothing else is in the way of a change, which takes two writes. */
const PAUSE = { baseMs: 50, maxMs: 250 };
const log = logger("bus");

export interface PendingWritesOptions {
  readonly link: NatsLink;
  readonly bucket: string;
  /** Stores a value, undefined: its deletion. Rejects when the server does not acknowledge it. */
  write(link: Link, key: string, value: Uint8Array | undefined): Promise<void>;
  /** The server does not permit the write; it is given up. */
  refused(key: string): void;
  /** Called about once a second while the server can be reached and acknowledges no write. */
  stalled(): void;
}

interface Desired {
  value: Uint8Array | undefined;
  waiters: { resolve(): void; reject(error: unknown): void }[];
}

/** Writes of a bucket that the server has not acknowledged: each is retried until it has. Of a key only the latest value counts. */
export class PendingWrites {
  readonly #options: PendingWritesOptions;
  readonly #desired = new Map<string, Desired>();
  readonly #busy = new Set<string>();
  readonly #progress = new WriteProgress();
  readonly #turn = new TurnLimit(IN_TURN, () => this.#pump());
  #stalled = false;

  constructor(options: PendingWritesOptions) {
    this.#options = options;
  }

  has(key: string): boolean {
    return this.#desired.has(key);
  }

  /** What waits for too long, a sentence. */
  missing(): readonly string[] {
    const { late } = this.#progress;
    if (!late) return [];
    const { link, bucket } = this.#options;
    const why = link.connected ? late.reason : "the bus is down";
    return [`the bus has taken no change of the bucket "${bucket}" for ${late.seconds} s: ${why}`];
  }

  /** @returns resolves when the server has acknowledged it @throws XebecError permission_denied, cancelled */
  add(key: string, value: Uint8Array | undefined): Promise<void> {
    this.#progress.begin();
    return new Promise((resolve, reject) => {
      const waiter = { resolve, reject };
      const desired = this.#desired.get(key);
      if (desired) {
        desired.value = value;
        desired.waiters.push(waiter);
      } else this.#desired.set(key, { value, waiters: [waiter] });
      this.#pump();
    });
  }

  #pump(): void {
    for (const key of this.#desired.keys()) {
      if (this.#busy.size >= IN_FLIGHT) return;
      if (this.#busy.has(key)) continue;
      if (!this.#turn.take()) return;
      this.#busy.add(key);
      void this.#flush(key).finally(() => {
        this.#busy.delete(key);
        this.#pump();
      });
    }
  }

  /** Writes the latest value of one key; the values of a key are written one after the other. */
  async #flush(key: string): Promise<void> {
    const { link, bucket } = this.#options;
    for (let attempt = 0; ; attempt++) {
      const desired = this.#desired.get(key);
      if (!desired) return;
      const { value } = desired;
      const waiters = [...desired.waiters];
      try {
        await this.#options.write(await link.ready(), key, value);
        desired.waiters = desired.waiters.slice(waiters.length);
        if (desired.waiters.length === 0) this.#desired.delete(key);
        for (const each of waiters) each.resolve();
        this.#settled();
        return;
      } catch (error) {
        const final = link.signal.aborted
          ? new XebecError("cancelled", "the bus was closed")
          : permissionError(error, bucket, "write");
        if (final) {
          this.#desired.delete(key);
          this.#options.refused(key);
          for (const each of desired.waiters) each.reject(final);
          this.#settled();
          return;
        }
        log.debug({ err: error, bucket, entry: key }, "a write did not arrive; trying again");
        this.#failed(error);
        await sleep(backoff(attempt, PAUSE), link.signal);
      }
    }
  }

  #settled(): void {
    this.#progress.done(this.#desired.size);
    if (this.#stalled) log.info({ bucket: this.#options.bucket }, "the bus takes changes again");
    this.#stalled = false;
  }

  #failed(error: unknown): void {
    this.#progress.failed(error);
    const [message] = this.missing();
    if (!message) return;
    const { link, bucket, stalled } = this.#options;
    if (!this.#stalled) log.error({ err: error, bucket }, message);
    this.#stalled = true;
    if (link.connected) stalled();
  }
}
