import type { Snapshot } from "@xebec/mixer-runtime";
import type { AttributeBag, Layout } from "@xebec/model-attributes";

const KEPT = 256;

/** Bags of the current snapshot, used again and again. */
export class BagPool<B extends AttributeBag> {
  readonly #make: (layout: Layout) => B;
  #layout: Layout | undefined;
  #free: B[] = [];

  constructor(make: (layout: Layout) => B) {
    this.#make = make;
  }

  take({ layout }: Snapshot): B {
    if (layout !== this.#layout) {
      this.#layout = layout;
      this.#free = [];
    }
    return this.#free.pop() ?? this.#make(layout);
  }

  /** Gives a bag back after its request. */
  give(bag: B): void {
    if (bag.layout === this.#layout && this.#free.length < KEPT) this.#free.push(bag);
  }
}
