import { XebecError } from "@xebec/core-errors";
import { GLOBAL_WORDS } from "./dictionary.ts";
import { textAt } from "./wire.ts";

/** Most words of one message: proxies send some hundreds. Looking through more would hold up everybody else. */
const MOST = 50_000;

/** The words of one message, decoded when they are used, over the global dictionary. */
export class MessageDictionary {
  #bytes: Buffer = Buffer.alloc(0);
  /** Start and end of each word. */
  #places = new Int32Array(64);
  #size = 0;
  readonly #texts: (string | undefined)[] = [];

  get size(): number {
    return this.#size;
  }

  reset(bytes: Buffer): this {
    this.#bytes = bytes;
    this.#size = 0;
    return this;
  }

  /** @throws XebecError resource_exhausted when there are too many */
  add(start: number, end: number): void {
    const at = this.#size * 2;
    if (this.#size >= MOST)
      throw new XebecError("resource_exhausted", `a message may have ${MOST} words of its own; this one has more`);
    if (at === this.#places.length) {
      const grown = new Int32Array(at * 2);
      grown.set(this.#places);
      this.#places = grown;
    }
    this.#places[at] = start;
    this.#places[at + 1] = end;
    this.#texts[this.#size++] = undefined;
  }

  /** Whether an index names a word: global ones count from 0, the message's own from -1 down. */
  defines(index: number): boolean {
    return index >= 0 ? index < GLOBAL_WORDS.length : -index <= this.#size;
  }

  /** The word of an index, or undefined when there is none. */
  word(index: number): string | undefined {
    if (index >= 0) return GLOBAL_WORDS[index];
    const at = -index - 1;
    if (at >= this.#size) return undefined;
    let text = this.#texts[at];
    if (text === undefined) {
      text = textAt(this.#bytes, this.#places[at * 2] as number, this.#places[at * 2 + 1] as number);
      this.#texts[at] = text;
    }
    return text;
  }
}
