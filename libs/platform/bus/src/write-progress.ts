/** A write that the bus has not taken for so long is reported, in milliseconds. */
export const LATE_MS = 5_000;

/** Whether the bus takes what is written into a bucket: a write that waits is late when none has been taken for five seconds. */
export class WriteProgress {
  readonly #now: () => number;
  #since: number | undefined;
  #reason = "";

  /** @param now milliseconds of a clock that only goes on */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** A write is asked for. */
  begin(): void {
    this.#since ??= this.#now();
  }

  /** An attempt was in vain. */
  failed(error: unknown): void {
    this.#reason = error instanceof Error ? error.message : String(error);
  }

  /** A write is over, taken or given up. @param left how many still wait */
  done(left: number): void {
    this.#since = left > 0 ? this.#now() : undefined;
    this.#reason = "";
  }

  /** For how long nothing was taken, in seconds, and why; undefined while all is well. */
  get late(): { readonly seconds: number; readonly reason: string } | undefined {
    if (this.#since === undefined) return undefined;
    const ms = this.#now() - this.#since;
    return ms < LATE_MS ? undefined : { seconds: Math.floor(ms / 1_000), reason: this.#reason || "it does not answer" };
  }
}
