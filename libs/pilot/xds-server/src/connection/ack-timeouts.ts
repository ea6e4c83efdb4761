/** Interval of the checks. */
const CHECK_MS = 1_000;
/** Number of checks until a time-out: Envoy, too, waits 15 s by default for the endpoints and secrets of a new cluster. */
const CHECKS = 15;

/** A stream that defers something until its client has answered. */
export interface AckWaiter {
  /** The time is over; the stream goes on without the answer. Must not throw. */
  ackTimedOut(): void;
}

/**
 * Bounds how long streams wait for their clients. Time is counted in checks, so that a pause of this process does not count
 * against a client.
 */
export class AckTimeouts {
  readonly #waiting = new Map<AckWaiter, number>();
  #timer: NodeJS.Timeout | undefined;

  /** Starts the time; no effect while it runs. */
  wait(waiter: AckWaiter): void {
    if (this.#waiting.has(waiter)) return;
    this.#waiting.set(waiter, 0);
    this.#timer ??= setInterval(() => this.#check(), CHECK_MS).unref();
  }

  /** The stream does not wait any more. */
  done(waiter: AckWaiter): void {
    this.#waiting.delete(waiter);
  }

  #check(): void {
    for (const [waiter, checks] of [...this.#waiting])
      if (checks + 1 < CHECKS) this.#waiting.set(waiter, checks + 1);
      else {
        this.#waiting.delete(waiter);
        waiter.ackTimedOut();
      }
    if (this.#waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
