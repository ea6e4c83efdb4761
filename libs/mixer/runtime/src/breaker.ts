/** What can be expected of a handler: `degraded` fails now and then, `failing` has not answered for a while. */
export type Health = "ready" | "degraded" | "failing";

/** How a handler does, for people and for its condition. */
export interface HealthReport {
  readonly health: Health;
  /** The last error; absent while there is none to speak of. */
  readonly why?: string;
}

/** So many failures in a row make a handler `failing`. */
const FAILURES = 5;
/** So many successes in a row end what is said of the last error. */
const SUCCESSES = 20;
const SHORTEST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Counts how calls end. Failures that take time (an answer that is late, a connection that is refused) open the circuit: for a pause
 * nobody has to wait for the next one. A failure at once costs nothing, so it never does.
 */
export class Breaker {
  readonly #now: () => number;
  #failures = 0;
  #successes = 0;
  #why: string | undefined;
  #pauseMs = 0;
  #openUntil = 0;
  #trying = false;

  readonly #most: number;
  readonly #pause: number | undefined;

  /**
   * @param now in milliseconds, never backwards
   * @param failures in a row that open it
   * @param pauseMs how long it stays open; absent: longer each time
   */
  constructor(now: () => number, failures: number = FAILURES, pauseMs?: number) {
    this.#now = now;
    this.#most = failures;
    this.#pause = pauseMs;
  }

  /** Whether a call may be made. While the circuit is open one is, after each pause. */
  admits(): boolean {
    if (this.#pauseMs === 0) return true;
    if (this.#trying || this.#now() < this.#openUntil) return false;
    this.#trying = true;
    return true;
  }

  /** @returns whether the health has changed */
  succeeded(): boolean {
    if (this.#why === undefined) return false;
    const before = this.#health;
    this.#trying = false;
    this.#pauseMs = 0;
    this.#failures = 0;
    if (++this.#successes >= SUCCESSES) this.#why = undefined;
    return this.#health !== before;
  }

  /** @param costly whether somebody had to wait for it. @returns whether the health has changed */
  failed(why: string, costly: boolean): boolean {
    const before = this.#health;
    this.#why = why;
    this.#successes = 0;
    this.#failures++;
    this.#trying = false;
    if (costly && this.#failures >= this.#most) {
      const next = this.#pauseMs === 0 ? SHORTEST_PAUSE_MS : this.#pauseMs * 2;
      this.#pauseMs = this.#pause ?? Math.min(LONGEST_PAUSE_MS, next);
      this.#openUntil = this.#now() + this.#pauseMs;
    }
    return this.#health !== before;
  }

  get report(): HealthReport {
    return { health: this.#health, ...(this.#why === undefined ? {} : { why: this.#why }) };
  }

  get #health(): Health {
    if (this.#why === undefined) return "ready";
    return this.#failures >= this.#most ? "failing" : "degraded";
  }
}
