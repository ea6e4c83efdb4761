/**
 * Counts what is done in one turn of the event loop, so that work which arrives in any amount, such as the messages of a connection,
 * leaves room for everything else: what is above the limit waits for the next turn.
 */
export class TurnLimit {
  readonly #most: number;
  readonly #next: () => void;
  #done = 0;

  /**
   * @param most units of work in one turn
   * @param next called in the turn after one with work in it, to do what had to wait
   */
  constructor(most: number, next: () => void) {
    this.#most = most;
    this.#next = next;
  }

  /** Takes the right to do one more unit. @returns false when that has to wait for the next turn */
  take(): boolean {
    if (this.#done >= this.#most) return false;
    if (this.#done++ === 0)
      setImmediate(() => {
        this.#done = 0;
        this.#next();
      });
    return true;
  }
}
