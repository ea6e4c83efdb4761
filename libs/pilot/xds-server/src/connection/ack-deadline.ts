/** How often it is looked who still waits. */
const LOOK_MS = 1_000;
/** So many looks are enough: Envoy too gives the endpoints and secrets of a new cluster 15 s, where nobody says otherwise. */
const LOOKS = 15;

/** Somebody who holds something back until a client has answered. */
export interface Waiter {
  /** It has waited long enough and is to go on without the answer. Must not throw. */
  tired(): void;
}

/**
 * Bounds how long streams wait for their clients. Time is counted in looks, so that a process that stood still itself blames no
 * client for it.
 */
export class Patience {
  readonly #waiting = new Map<Waiter, number>();
  #timer: NodeJS.Timeout | undefined;

  /** Begins to wait, or goes on. */
  wait(waiter: Waiter): void {
    if (this.#waiting.has(waiter)) return;
    this.#waiting.set(waiter, 0);
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** Nothing is waited for any more. */
  done(waiter: Waiter): void {
    this.#waiting.delete(waiter);
  }

  #look(): void {
    for (const [waiter, looks] of [...this.#waiting])
      if (looks + 1 < LOOKS) this.#waiting.set(waiter, looks + 1);
      else {
        this.#waiting.delete(waiter);
        waiter.tired();
      }
    if (this.#waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
