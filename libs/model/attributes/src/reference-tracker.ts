import {
  ReferencedAttributes_AttributeMatchSchema,
  ReferencedAttributes_Condition,
  ReferencedAttributesSchema,
} from "@xebec/api-mesh/istio/mixer/v1/mixer";
import { GLOBAL_WORDS, globalIndex } from "./dictionary.ts";
import { fieldNumbers } from "./field-numbers.ts";
import type { Layout } from "./layout.ts";
import type { WireWriter } from "./wire-writer.ts";

const { ABSENCE, EXACT } = ReferencedAttributes_Condition;
const REFERENCED = fieldNumbers(ReferencedAttributesSchema);
const MATCH = fieldNumbers(ReferencedAttributes_AttributeMatchSchema);

/** One thing that an answer depends on: an attribute, or the entry of a map. */
export interface Reference {
  readonly name: string;
  readonly key?: string;
  readonly present: boolean;
}

/**
 * Records which attributes and map entries were looked up (docs/reference/mixer.md §4.5): the caller may reuse an
 * answer for requests that agree in these.
 */
export class ReferenceTracker {
  readonly #layout: Layout;
  readonly #maps: Uint8Array;
  /** Per slot: 0 not recorded, 1 recorded. */
  readonly #seen: Uint8Array;
  readonly #slots: number[] = [];
  readonly #keys: (string | undefined)[] = [];
  readonly #present: boolean[] = [];

  constructor(layout: Layout) {
    this.#layout = layout;
    this.#seen = new Uint8Array(layout.size);
    this.#maps = Uint8Array.from(layout.types, (type) => (type === "STRING_MAP" ? 1 : 0));
  }

  /** A lookup of an attribute; of a map only its absence counts. */
  attribute(slot: number, present: boolean): void {
    if (this.#seen[slot] === 1 || (present && this.#maps[slot] === 1)) return;
    this.#seen[slot] = 1;
    this.#add(slot, undefined, present);
  }

  /** A lookup of a key in a map attribute. */
  entry(slot: number, key: string, present: boolean): void {
    for (let i = 0; i < this.#slots.length; i++) if (this.#slots[i] === slot && this.#keys[i] === key) return;
    this.#add(slot, key, present);
  }

  #add(slot: number, key: string | undefined, present: boolean): void {
    this.#slots.push(slot);
    this.#keys.push(key);
    this.#present.push(present);
  }

  /** How much is recorded, for `rewind`. */
  get mark(): number {
    return this.#slots.length;
  }

  /** Forgets what was recorded after a mark; `rewind(0)` forgets all. */
  rewind(mark: number): void {
    for (let i = mark; i < this.#slots.length; i++)
      if (this.#keys[i] === undefined) this.#seen[this.#slots[i] as number] = 0;
    this.#slots.length = mark;
    this.#keys.length = mark;
    this.#present.length = mark;
  }

  list(): Reference[] {
    return this.#slots.map((slot, i) => {
      const key = this.#keys[i];
      const name = this.#layout.names[slot] as string;
      return { name, ...(key === undefined ? {} : { key }), present: this.#present[i] as boolean };
    });
  }

  /**
   * Writes the content of a ReferencedAttributes message.
   * @param globalWords how many words of the global dictionary the reader knows; other words go into the message
   */
  write(writer: WireWriter, globalWords: number): void {
    const words: string[] = [];
    const known = Math.min(globalWords, GLOBAL_WORDS.length);
    const index = (word: string): number => {
      const global = globalIndex(word);
      if (global >= 0 && global < known) return global;
      let at = words.indexOf(word);
      if (at < 0) at = words.push(word) - 1;
      return -at - 1;
    };
    for (let i = 0; i < this.#slots.length; i++) {
      const name = index(this.#layout.names[this.#slots[i] as number] as string);
      const key = this.#keys[i];
      const keyIndex = key === undefined ? 0 : index(key);
      writer.message(REFERENCED.attributeMatches, () => {
        writer.sint32(MATCH.name, name).uint32(MATCH.condition, this.#present[i] ? EXACT : ABSENCE);
        if (keyIndex !== 0) writer.sint32(MATCH.mapKey, keyIndex);
      });
    }
    for (const word of words) writer.text(REFERENCED.words, word);
  }
}
