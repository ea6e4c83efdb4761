/** Size in bytes from which on a response keeps a proxy busy for long. */
const LARGE = 1 << 20;
/** A proxy that does not answer holds the others up no longer than this, in milliseconds. */
const HOLD_MS = 2_000;

/** A stream that waits for its turn. */
export interface Waiting {
  /** It may try again. Must not throw: the caller is another stream. */
  wake(): void;
}

/**
 * Bounds how many proxies take in a large response at once, as Istio's PILOT_PUSH_THROTTLE bounds pushes. Ten thousand routes keep an
 * Envoy busy for half a second, and proxies that share the cores of one machine with each other and with pilot would take them all.
 */
export class LargePushes {
  readonly #limit: number;
  readonly #busy = new Map<Waiting, NodeJS.Timeout>();
  readonly #waiting = new Set<Waiting>();

  /** @param limit most proxies at once; 0 for any number */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * @param bytes gives the size of the response and of what it replaces
   * @returns false when it has to wait; its stream's `wake` is called when it may try again
   */
  take(stream: Waiting, bytes: () => number): boolean {
    if (this.#limit === 0 || this.#busy.has(stream) || bytes() < LARGE) return true;
    if (this.#busy.size >= this.#limit) {
      this.#waiting.add(stream);
      return false;
    }
    this.#busy.set(stream, setTimeout(() => this.done(stream), HOLD_MS).unref());
    return true;
  }

  /** The proxy has answered, or is gone. */
  done(stream: Waiting): void {
    this.#waiting.delete(stream);
    const timer = this.#busy.get(stream);
    if (!timer) return;
    clearTimeout(timer);
    this.#busy.delete(stream);
    const [next] = this.#waiting;
    if (!next) return;
    this.#waiting.delete(next);
    next.wake();
  }
}
