/** Gets the dependency key of everything that a query reads. */
export interface ReadKeys {
  add(key: string): unknown;
}

/**
 * A look-up in a snapshot that notes what its answer depends on. Modules of kinds make them, and nobody else can: whoever has no
 * snapshot reads one by queries alone, and so reads nothing that is not noted.
 * @typeParam Reads what of a snapshot it reads
 */
export class Query<Reads, Args extends readonly unknown[], Found> {
  readonly #find: (state: Reads, keys: ReadKeys, ...args: Args) => Found;

  /** @param find adds the key of what it reads to `keys`, also of what is not there */
  constructor(find: (state: Reads, keys: ReadKeys, ...args: Args) => Found) {
    this.#find = find;
  }

  /** Answers it. For who owns the snapshot. */
  run(state: Reads, keys: ReadKeys, ...args: Args): Found {
    return this.#find(state, keys, ...args);
  }
}
