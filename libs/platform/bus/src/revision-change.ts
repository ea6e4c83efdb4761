/** A change that is complete in itself. */
export interface RevisionChange {
  readonly puts: ReadonlyMap<string, Uint8Array>;
  readonly deletes: ReadonlySet<string>;
  /** True for the first state since the start, and after a change that was not taken over: `puts` is everything. */
  readonly first: boolean;
  /** The revision of each source after the change. */
  readonly revisions: Readonly<Record<string, number>>;
}
