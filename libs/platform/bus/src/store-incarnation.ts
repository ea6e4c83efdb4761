/** When a write began, as far as the age of the store is concerned. */
export interface WriteMark {
  readonly epoch: number;
  readonly acknowledged: number;
}

/**
 * Finds out that a server has come back with another store than the one that took our writes: a new one, or an older copy of the
 * same one (a restored disk, an acknowledged write that never reached it).
 */
export class StoreIncarnation {
  #created: string | undefined;
  /** The highest sequence number that the server has acknowledged. */
  #acknowledged = 0;
  #epoch = 0;

  /** To be called before a write or a look at the stream: what is acknowledged meanwhile says nothing about it. */
  begin(): WriteMark {
    return { epoch: this.#epoch, acknowledged: this.#acknowledged };
  }

  /** @returns true when the store has lost what it had acknowledged before the write began */
  acknowledged(sequence: number, start: WriteMark): boolean {
    if (start.epoch !== this.#epoch) return false;
    if (sequence <= start.acknowledged) return this.#lose();
    this.#acknowledged = Math.max(this.#acknowledged, sequence);
    return false;
  }

  /** @param created the stream's time of creation @param last its last sequence number @returns true when writes are lost */
  seen(created: string, last: number, start: WriteMark): boolean {
    if (start.epoch !== this.#epoch) return false;
    const other = this.#created !== undefined && this.#created !== created;
    this.#created = created;
    return other || last < start.acknowledged ? this.#lose() : false;
  }

  #lose(): true {
    this.#epoch++;
    this.#acknowledged = 0;
    return true;
  }
}
