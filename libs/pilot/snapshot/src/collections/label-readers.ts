/** Counts how many rules read a label: the labels that tell proxies apart. */
export class LabelReaders {
  readonly #count = new Map<string, number>();

  /** A rule that read some labels reads others now. */
  replace(before: readonly string[], after: readonly string[]): void {
    for (const label of before) {
      const count = (this.#count.get(label) ?? 1) - 1;
      if (count > 0) this.#count.set(label, count);
      else this.#count.delete(label);
    }
    for (const label of after) this.#count.set(label, (this.#count.get(label) ?? 0) + 1);
  }

  /** The labels that some rule reads, sorted. */
  get labels(): string[] {
    return [...this.#count.keys()].sort();
  }
}
