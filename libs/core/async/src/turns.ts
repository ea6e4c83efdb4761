import { setImmediate as nextTurn } from "node:timers/promises";

/**
 * Nobody waits longer for the event loop than this, if a unit of work is short. A health check takes three turns: its connection, its
 * request, its answer.
 */
const TURN_MS = 4;
/** Units between two looks at the clock, once it is known that there is more to do than fits into a turn. */
const LOOK = 4;

/** When the turn of the event loop that runs now began, if work is cut into turns in it: all such work shares its time. */
let turn: number | undefined;

/** Cuts long work into turns of the event loop, so that connections, timers and probes are served in between. */
export class Turns {
  readonly #most: number;
  #look: number;
  #since = performance.now();
  #units = 0;

  /**
   * @param most units of work that one turn may do at the most, however short they are
   * @param look after how many units the clock is looked at: work of fewer units is always done at once
   */
  constructor(most = 256, look = 32) {
    this.#most = most;
    this.#look = look;
  }

  /** To be awaited after each unit of work: gives way when the turn is over. @returns undefined when it is not, so that nothing is awaited */
  next(): Promise<void> | undefined {
    this.#units++;
    const isOver =
      this.#units >= this.#most || (this.#units % this.#look === 0 && performance.now() - this.#since >= TURN_MS);
    return isOver ? this.giveWay() : undefined;
  }

  /** Ends the turn, however little was done in it: to be awaited before a unit of work that fills one by itself. */
  async giveWay(): Promise<void> {
    await nextTurn();
    if (turn === undefined) {
      turn = performance.now();
      setImmediate(() => {
        turn = undefined;
      });
    }
    this.#units = 0;
    this.#since = turn;
    this.#look = Math.min(this.#look, LOOK);
  }
}

/**
 * Does work step by step, in turns of the event loop.
 * @returns undefined when all was done in the first turn; otherwise when it is done
 */
export function inTurns(steps: Iterable<unknown>, turns: Turns): Promise<void> | undefined {
  const rest = steps[Symbol.iterator]();
  for (;;) {
    if (rest.next().done) return undefined;
    const turn = turns.next();
    if (turn) return goOn(rest, turn, turns);
  }
}

async function goOn(rest: Iterator<unknown>, turn: Promise<void>, turns: Turns): Promise<void> {
  await turn;
  while (!rest.next().done) await turns.next();
}
