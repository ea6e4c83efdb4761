/** A SPIFFE identity of Kubernetes has at most about 350 characters, a host 253. */
const LONGEST = 512;

/**
 * What was found for strings that callers send. They choose the strings, so both number and length are bounded: a longer one is
 * not remembered, and when there are too many all are forgotten. Either costs time and nothing else.
 */
export class BoundedCache<V extends object | string | null> {
  readonly #most: number;
  readonly #values = new Map<string, V>();

  /** @param most how many strings are remembered */
  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#values.size;
  }

  get(text: string): V | undefined {
    return this.#values.get(text);
  }

  set(text: string, value: V): void {
    if (text.length > LONGEST) return;
    if (this.#values.size >= this.#most) this.#values.clear();
    this.#values.set(text, value);
  }

  clear(): void {
    this.#values.clear();
  }
}
