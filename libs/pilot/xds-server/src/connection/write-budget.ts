/** Bytes that all streams together may have in their queues. */
const LIMIT = 6 << 20;
/** Messages up to this size are always let through: changes must not wait behind whole configurations. */
const SMALL = 64 << 10;
/** How often it is checked who takes nothing. */
const SWEEP_MS = 1_000;
/** After so many checks without progress a writer's bytes do not count against the others any more. */
const ASIDE_AFTER = 2;
/** Bytes that may be set aside so: with `LIMIT`, the bound of all. */
const ASIDE_LIMIT = 32 << 20;
/** After so many checks without progress a writer is ended, and one more for each 64 KiB: a slow line needs its time. */
const END_AFTER = 10;
const SLOWEST_BYTES = 64 << 10;

/** Somebody who writes. */
export interface StreamWriter {
  /** There is room again: it may try once more. Must not throw: the caller is another one's write. */
  wake(): void;
  /** It took nothing for too long, and is to end its stream. */
  stalled(): void;
}

/** What one writer has under way. */
interface Share {
  bytes: number;
  /** Checks since its connection took something. Counted in checks, not in time: a process that stood still does not count. */
  idle: number;
  aside: boolean;
}

/**
 * Bounds the memory of messages under way when many proxies come at once: each has its turn, none is turned away. Bytes count from
 * the write until the connection took them. A peer that does not read makes nobody wait for long: its bytes are set aside
 * after a second or two, and it is ended after ten and more.
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

  /** Gives back what the connection took. */
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

  /** The writer is gone, with all that it still had. */
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
    for (const next of [...this.#waiting]) {
      if (this.#total >= LIMIT / 2) return;
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
