import { setImmediate as nextTurn } from "node:timers/promises";

/** Nobody waits longer for the event loop than this, if a unit of work is short. */
const TURN_MS = 10;

/** Cuts long work into turns of the event loop, so that connections, timers and probes are served in between. */
export class Turns {
  readonly #most: number;
  #since = performance.now();
  #units = 0;

  /** @param most units of work that one turn may do at the most, however short they are */
  constructor(most = 256) {
    this.#most = most;
  }

  /** To be awaited after each unit of work: gives way when the turn is over. @returns undefined when it is not, so that nothing is awaited */
  next(): Promise<void> | undefined {
    if (++this.#units < this.#most && performance.now() - this.#since < TURN_MS) return undefined;
    return this.#giveWay();
  }

  async #giveWay(): Promise<void> {
    await nextTurn();
    this.#units = 0;
    this.#since = performance.now();
  }
}
