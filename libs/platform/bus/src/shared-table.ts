/** An entry of a table. */
export interface SharedEntry {
  readonly value: Uint8Array;
  /** Grows with every write; above 0. */
  readonly revision: number;
}

/** Keyed values of a bucket that several writers change together: each write says which one it follows. */
export interface SharedTable {
  /** @returns undefined when there is none @throws XebecError unavailable, permission_denied */
  get(key: string): Promise<SharedEntry | undefined>;
  /**
   * Writes an entry unless somebody else did meanwhile.
   * @param revision of the entry as it was read; 0: there was none
   * @param ttlMs how long it is kept; whole seconds, one at least
   * @returns its new revision; undefined when somebody else was faster
   * @throws XebecError unavailable, permission_denied; then nobody knows whether it was written
   */
  put(key: string, value: Uint8Array, revision: number, ttlMs: number): Promise<number | undefined>;
}
