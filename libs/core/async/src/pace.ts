import { setImmediate } from "node:timers/promises";

/** How long work may hold the event loop, in milliseconds: health checks and other connections wait for it. */
const SLICE_MS = 8;

/** Lets long work on the event loop make room for everything else now and then: `if (pace.isDue) await pace.rest()`. */
export class Pace {
  readonly #sliceMs: number;
  #began = performance.now();

  constructor(sliceMs = SLICE_MS) {
    this.#sliceMs = sliceMs;
  }

  /** True when the loop has been held for long enough. */
  get isDue(): boolean {
    return performance.now() - this.#began >= this.#sliceMs;
  }

  /** Everything else that waits has its turn. */
  async rest(): Promise<void> {
    await setImmediate();
    this.#began = performance.now();
  }
}
