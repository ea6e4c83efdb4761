/** How often it is checked who still waits. */
const CHECK_MS = 1_000;
/** So many checks are enough: Envoy too gives the endpoints and secrets of a new cluster 15 s, where nobody says otherwise. */
const CHECKS = 15;

/** Somebody who holds something back until a client has answered. */
export interface AckWaiter {
  /** It has waited long enough and is to go on without the answer. Must not throw. */
  ackTimedOut(): void;
}

/**
 * Bounds how long streams wait for their clients. Time is counted in checks, so that a process that stood still itself blames no
 * client for it.
 */
export class AckTimeouts {
  readonly #waiting = new Map<AckWaiter, number>();
  #timer: NodeJS.Timeout | undefined;

  /** Begins to wait, or goes on. */
  wait(waiter: AckWaiter): void {
    if (this.#waiting.has(waiter)) return;
    this.#waiting.set(waiter, 0);
    this.#timer ??= setInterval(() => this.#check(), CHECK_MS).unref();
  }

  /** Nothing is waited for any more. */
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
