import { Turns } from "@xebec/core-async";
import type { Generator } from "@xebec/pilot-xds-gen";

/** So many entries that nobody uses are not worth a pass over every proxy. */
const SOME_ENTRIES = 1_000;

/** The clients of a server. */
export interface CacheUsers {
  readonly generator: Generator | undefined;
  /** How many clients there are. */
  readonly clients: number;
  /** Each asks for all that one client has. */
  uses(): Iterable<() => void>;
}

/**
 * Frees what the generator keeps and no client uses any more, once that may be as much as what is used. A pass goes over all
 * clients and all entries, in turns of the event loop. What a change has made useless is forgotten without one.
 */
export class CacheUpkeep {
  /** Entries that were in use after the last pass. */
  #used = 0;
  /** Clients that have left since the last pass began. */
  #left = 0;
  #isRunning = false;
  /** A change has ended the last pass: the next one goes to its end, or changes without a pause would leave none. */
  #wasEnded = false;

  /** A client has left. */
  clientLeft(): void {
    this.#left++;
  }

  /** Makes a pass if one is due and none is under way; then another one if that has become due meanwhile. */
  run(users: CacheUsers): void {
    const { generator, clients } = users;
    if (!generator || this.#isRunning) return;
    const isDue = generator.cacheSize > 2 * this.#used + SOME_ENTRIES || this.#left * 4 > clients;
    if (!isDue && !generator.hasExpired) return;
    this.#isRunning = true;
    const { epoch } = generator;
    const left = this.#left;
    // Each unit of it is many entries, or all of a client.
    const turns = new Turns(256, 1);
    const pass = isDue ? generator.keep(users.uses(), turns, this.#wasEnded) : generator.forgetExpired(turns);
    const ended = (): void => {
      this.#isRunning = false;
      if (isDue) {
        this.#wasEnded = !this.#wasEnded && generator.epoch !== epoch;
        // It begins anew when the change has reached everybody.
        if (this.#wasEnded) return;
        this.#used = generator.cacheSize;
        this.#left -= left;
      }
      if (this.#left > 0) this.run(users);
    };
    if (pass) void pass.finally(ended);
    else ended();
  }
}
