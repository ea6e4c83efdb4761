/** What comes together belongs together: `kubectl apply` of one file arrives within some milliseconds, on several streams. */
const QUIET_MS = 15;
/** A stream of changes holds nobody up for longer. */
const LONGEST_MS = 150;

/** Calls once for calls that come in quick succession, when it has been quiet for a moment. */
export class Quiet {
  readonly #call: () => void;
  #timer: NodeJS.Timeout | undefined;
  #since = 0;

  constructor(call: () => void) {
    this.#call = call;
  }

  /** Something changed. */
  touch(): void {
    const now = performance.now();
    if (this.#timer === undefined) this.#since = now;
    else clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.now(), Math.max(0, Math.min(QUIET_MS, this.#since + LONGEST_MS - now)));
  }

  /** Calls at once. */
  now(): void {
    this.close();
    this.#call();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
