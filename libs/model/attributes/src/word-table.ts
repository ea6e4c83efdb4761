import { GLOBAL_WORDS } from "./dictionary.ts";
import { textAt } from "./wire.ts";

/** The words of one message, decoded when they are used, over the global dictionary. */
export class WordTable {
  #bytes: Buffer = Buffer.alloc(0);
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #texts: (string | undefined)[] = [];

  get size(): number {
    return this.#starts.length;
  }

  reset(bytes: Buffer): this {
    this.#bytes = bytes;
    this.#starts.length = 0;
    this.#ends.length = 0;
    this.#texts.length = 0;
    return this;
  }

  add(start: number, end: number): void {
    this.#starts.push(start);
    this.#ends.push(end);
    this.#texts.push(undefined);
  }

  /** Whether an index names a word: global ones count from 0, the message's own from -1 down. */
  defines(index: number): boolean {
    return index >= 0 ? index < GLOBAL_WORDS.length : -index <= this.#starts.length;
  }

  /** The word of an index, or undefined when there is none. */
  word(index: number): string | undefined {
    if (index >= 0) return GLOBAL_WORDS[index];
    const at = -index - 1;
    if (at >= this.#starts.length) return undefined;
    let text = this.#texts[at];
    if (text === undefined) {
      text = textAt(this.#bytes, this.#starts[at] as number, this.#ends[at] as number);
      this.#texts[at] = text;
    }
    return text;
  }
}
