/** Limit of the bytes in the queues of all streams. */
const LIMIT = 6 << 20;
/** Messages up to this size never wait: changes must not wait behind whole configurations. */
const SMALL = 64 << 10;
/** Interval of the checks. */
const SWEEP_MS = 1_000;
/** After so many checks without progress a writer's bytes do not count against the others any more. */
const ASIDE_AFTER = 2;
/** Limit of the bytes that are set aside in this way; with `LIMIT`, the limit of everything. */
const ASIDE_LIMIT = 32 << 20;
/** After so many checks without progress a writer is ended, and one more for each 64 KiB: a slow line needs its time. */
const END_AFTER = 10;
const SLOWEST_BYTES = 64 << 10;

/** A stream, as its writer. */
export interface StreamWriter {
  /** There is room again. Must not throw: the caller is a write of another stream. */
  wake(): void;
  /** The client took nothing for too long; the writer ends its stream. */
  stalled(): void;
}

/** What one writer has in its queue. */
interface Share {
  bytes: number;
  /** Checks since its connection took something. Checks, not time: a pause of this process does not count. */
  idle: number;
  aside: boolean;
}

/**
 * Bounds the memory of queued messages when many proxies connect at once: they take turns, and none is turned away. Bytes count from
 * the write until the connection has taken them. A client that does not read delays the others only briefly: its bytes are set
 * aside after one or two seconds, and its stream is ended after ten or more.
 */
export class WriteBudget {
  readonly #shares = new Map<StreamWriter, Share>();
  readonly #waiting = new Set<StreamWriter>();
  #total = 0;
  #aside = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @returns false when the writer has to wait; its `wake` is called when it may try again */
  take(writer: StreamWriter, bytes: number): boolean {
    if (bytes > SMALL && this.#total > 0 && this.#total + bytes > LIMIT) {
      this.#waiting.add(writer);
      return false;
    }
    const share = this.#shares.get(writer);
    if (!share) this.#shares.set(writer, { bytes, idle: 0, aside: false });
    else share.bytes += bytes;
    if (share?.aside) this.#aside += bytes;
    else this.#total += bytes;
    this.#timer ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
    return true;
  }

  /** Returns what the connection took. */
  give(writer: StreamWriter, bytes: number): void {
    const share = this.#shares.get(writer);
    if (!share) return;
    this.#remove(share);
    share.bytes -= bytes;
    if (share.bytes > 0) {
      share.idle = 0;
      share.aside = false;
      this.#total += share.bytes;
    } else this.#shares.delete(writer);
    this.#wakeNext();
  }

  /** The writer is gone; its bytes do not count any more. */
  forget(writer: StreamWriter): void {
    this.#waiting.delete(writer);
    const share = this.#shares.get(writer);
    if (!share) return;
    this.#remove(share);
    this.#shares.delete(writer);
    this.#wakeNext();
  }

  #remove(share: Share): void {
    if (share.aside) this.#aside -= share.bytes;
    else this.#total -= share.bytes;
  }

  #wakeNext(): void {
    // Whoever has to wait again stands at the end; thousands wait, so that a copy of them for each write costs more than the writes.
    let left = this.#waiting.size;
    for (const next of this.#waiting) {
      if (left-- === 0 || this.#total >= LIMIT / 2) return;
      this.#waiting.delete(next);
      next.wake();
    }
  }

  #sweep(): void {
    const ended: StreamWriter[] = [];
    for (const [writer, share] of this.#shares) {
      share.idle++;
      if (share.idle > END_AFTER + share.bytes / SLOWEST_BYTES) ended.push(writer);
      else if (share.idle >= ASIDE_AFTER && !share.aside && this.#aside + share.bytes <= ASIDE_LIMIT) {
        share.aside = true;
        this.#total -= share.bytes;
        this.#aside += share.bytes;
      }
    }
    for (const writer of ended) {
      this.forget(writer);
      writer.stalled();
    }
    this.#wakeNext();
    if (this.#shares.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
