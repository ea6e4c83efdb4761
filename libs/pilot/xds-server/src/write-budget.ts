/** Bytes that all streams together may have in their queues. */
const LIMIT = 6 << 20;
/** Messages up to this size are always let through: changes must not wait behind whole configurations. */
const SMALL = 64 << 10;

/** Somebody who writes; told when there is room again. */
interface Writer {
  advance(): void;
}

/**
 * Bounds the memory of messages under way when many proxies come at once: each has its turn, none is refused. Bytes count from
 * the write until the connection took them.
 */
export class WriteBudget {
  readonly #held = new Map<Writer, number>();
  readonly #waiting = new Set<Writer>();
  #total = 0;

  /** @returns false when the writer has to wait; its `advance` is called when it may try again */
  take(writer: Writer, bytes: number): boolean {
    if (bytes > SMALL && this.#total > 0 && this.#total + bytes > LIMIT) {
      this.#waiting.add(writer);
      return false;
    }
    this.#total += bytes;
    this.#held.set(writer, (this.#held.get(writer) ?? 0) + bytes);
    return true;
  }

  /** Gives back what the connection took. */
  give(writer: Writer, bytes: number): void {
    const held = this.#held.get(writer);
    if (held === undefined) return;
    this.#release(writer, held - bytes, bytes);
  }

  /** The writer is gone, with all that it still had. */
  forget(writer: Writer): void {
    this.#waiting.delete(writer);
    const held = this.#held.get(writer);
    if (held !== undefined) this.#release(writer, 0, held);
  }

  #release(writer: Writer, rest: number, bytes: number): void {
    if (rest > 0) this.#held.set(writer, rest);
    else this.#held.delete(writer);
    this.#total -= bytes;
    for (const next of [...this.#waiting]) {
      if (this.#total >= LIMIT / 2) return;
      this.#waiting.delete(next);
      next.advance();
    }
  }
}
