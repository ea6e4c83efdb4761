type Collect = (options: { readonly type: "major"; readonly flavor: "last-resort" }) => void;

/** Node's own, when it was started with --expose-gc. */
const nodeCollect = (globalThis as { gc?: Collect }).gc;

/** Fewer objects leave too little behind. */
const MANY = 1_000;
/** Pilot remembers for a minute what proxies that return may still have. In milliseconds. */
const SETTLED_MS = 75_000;

/** Collects all garbage and gives its memory back; nothing happens when Node was started without --expose-gc. */
export function collectGarbage(): void {
  nodeCollect?.({ type: "major", flavor: "last-resort" });
}

/** Gives back the memory of what was deleted: a process at rest makes no garbage, so that nothing else would ever collect it. */
export class DeletionCollector {
  readonly #collect: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(collect: () => void = collectGarbage) {
    this.#collect = collect;
  }

  /**
   * Collects garbage a minute and a quarter after many objects were deleted. A collection takes as long as what is left is large: it is left to Node
   * when more than what was deleted is left.
   * @param deleted objects that are gone
   * @param left objects that are still there
   */
  deleted(deleted: number, left: number): void {
    if (deleted < MANY || left > deleted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#collect, SETTLED_MS).unref();
  }
}

/** The one of this process. */
export const deletionCollector = new DeletionCollector();
