import { backoff, sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import type { RevisionChange } from "./revision-change.ts";

const log = logger("bus");
const RETRY = { baseMs: 500, maxMs: 30_000 };

/**
 * Hands changes to a consumer. One that throws has lost its place: it gets the whole state with the next change, or after a pause.
 */
export class ResyncingConsumer {
  readonly #name: string;
  readonly #apply: (change: RevisionChange) => void;
  readonly #signal: AbortSignal;
  /** Keys that were deleted and of which the consumer may not know it. */
  readonly #owed = new Set<string>();
  #failures = 0;
  #waiting = false;
  #error: string | undefined;

  constructor(name: string, apply: (change: RevisionChange) => void, signal: AbortSignal) {
    this.#name = name;
    this.#apply = apply;
    this.#signal = signal;
  }

  /** Why the consumer has not taken over what it was given; undefined: it has. */
  get error(): string | undefined {
    return this.#error;
  }

  /** @param whole everything that there is after the change @param again called when the consumer is to be tried again */
  deliver(change: RevisionChange, whole: ReadonlyMap<string, Uint8Array>, again: () => void): void {
    for (const key of change.deletes) this.#owed.add(key);
    for (const key of this.#owed) if (whole.has(key)) this.#owed.delete(key);
    const given = this.#error === undefined ? change : { ...change, puts: whole, deletes: this.#owed, first: true };
    try {
      this.#apply({ ...given, puts: new Map(given.puts), deletes: new Set(given.deletes) });
      this.#owed.clear();
      this.#failures = 0;
      this.#error = undefined;
    } catch (error) {
      log.error({ err: error, reader: this.#name }, "a change was not taken over; the consumer gets everything again");
      this.#error = XebecError.from(error).message;
      if (!this.#waiting) void this.#retry(again);
    }
  }

  /** One at a time: many changes that fail are one state that is handed over again. */
  async #retry(again: () => void): Promise<void> {
    this.#waiting = true;
    await sleep(backoff(this.#failures++, RETRY), this.#signal);
    this.#waiting = false;
    if (!this.#signal.aborted && this.#error !== undefined) again();
  }
}
