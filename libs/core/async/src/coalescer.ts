/**
 * Leading-edge coalescing: the first request runs the task at once; requests that come while it runs are joined into one
 * further run. So a change is never delayed when idle, and never queued twice when busy.
 */
export class Coalescer {
  readonly #task: () => Promise<void>;
  #running: Promise<void> | undefined;
  #again = false;

  /** @param task must not reject; it handles its own errors. */
  constructor(task: () => Promise<void>) {
    this.#task = task;
  }

  /** Asks for a run after now. Resolves when no run is due any more. */
  request(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return this.#running;
    }
    this.#running = this.#loop();
    return this.#running;
  }

  async #loop(): Promise<void> {
    try {
      do {
        this.#again = false;
        await this.#task();
      } while (this.#again);
    } finally {
      this.#running = undefined;
    }
  }
}
