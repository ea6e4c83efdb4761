import { XebecError } from "@xebec/core-errors";
import { GLOBAL_WORDS, globalIndex } from "./dictionary.ts";
import type { ValueType } from "./value-type.ts";
import type { Vocabulary } from "./vocabulary.ts";

/**
 * The slots of the attributes that some compiled expression reads: a slot is the index of an attribute. Bags are arrays over these slots, so an attribute
 * that no rule needs is never looked at. Slots are added while a configuration is compiled; then the layout is frozen.
 */
export class Layout {
  readonly vocabulary: Vocabulary;
  readonly names: string[] = [];
  readonly types: ValueType[] = [];
  /** The slot of each word of the global dictionary, -1 for words that no expression reads as an attribute. */
  readonly globalSlots: Int16Array = new Int16Array(GLOBAL_WORDS.length).fill(-1);
  readonly #slots = new Map<string, number>();
  #frozen = false;

  constructor(vocabulary: Vocabulary) {
    this.vocabulary = vocabulary;
  }

  get size(): number {
    return this.names.length;
  }

  /**
   * The slot of an attribute; made when it is new.
   * @throws XebecError invalid_argument when the vocabulary does not have it, failed_precondition when the layout is frozen
   */
  slot(name: string): number {
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    const type = this.vocabulary.typeOf(name);
    if (!type) throw new XebecError("invalid_argument", `unknown attribute ${name}`);
    if (this.#frozen) throw new XebecError("failed_precondition", `the layout is frozen and has no slot for ${name}`);
    const slot = this.names.length;
    this.names.push(name);
    this.types.push(type);
    this.#slots.set(name, slot);
    const index = globalIndex(name);
    if (index >= 0) this.globalSlots[index] = slot;
    return slot;
  }

  /** The slot of an attribute, or -1 when no expression reads it. */
  find(name: string): number {
    return this.#slots.get(name) ?? -1;
  }

  freeze(): this {
    this.#frozen = true;
    return this;
  }
}
