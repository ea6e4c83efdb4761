import { logger } from "@xebec/core-log";

const log = logger("state");

/**
 * Takes over changes one after the other, each in turns of the event loop; a small one in the first turn, at once. When one fails,
 * whoever brings the next one gets the error, and brings everything again.
 */
export class InOrder {
  #last: Promise<void> | undefined;
  #error: unknown;

  /** @throws the error of the one before */
  add(work: () => Promise<void>): void {
    if (this.#error !== undefined) {
      const error = this.#error;
      this.#error = undefined;
      throw error;
    }
    const mine = (this.#last ? this.#last.then(work) : work())
      .catch((error: unknown) => {
        log.error({ err: error }, "a change could not be taken over");
        this.#error = error;
      })
      .finally(() => {
        if (this.#last === mine) this.#last = undefined;
      });
    this.#last = mine;
  }

  /** True when the last change could not be taken over. */
  get failed(): boolean {
    return this.#error !== undefined;
  }

  /** Calls back when everything that was added is done; at once when it is. */
  whenDone(callback: () => void): void {
    if (this.#last) void this.#last.then(callback);
    else callback();
  }
}
