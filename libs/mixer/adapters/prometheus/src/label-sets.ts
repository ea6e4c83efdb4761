import { type AttributeValue, renderValue, type ValueMap, type ValueType } from "@xebec/mixer-sdk";
import type { Series } from "./family.ts";

/** Most values and sets that are remembered; beyond that all are forgotten, which costs time and nothing else. */
const MAX_VALUES = 100_000;
const MAX_SETS = 50_000;

/** The series of one set of label values, by sink. */
export interface LabelSet {
  readonly names: readonly string[];
  readonly ids: Int32Array;
  /** All values in one text: the key of the series in their families. */
  readonly key: string;
  readonly series: (Series | undefined)[];
}

/**
 * Finds the set of label values that a sample has. Every value has a number, so a known set is found by comparing
 * numbers: the text of twenty labels is neither put together nor hashed for each sample.
 */
export class LabelSets {
  readonly #values = new Map<string | number | bigint | boolean, number>();
  readonly #sets = new Map<number, LabelSet[]>();
  #count = 0;
  #ids = new Int32Array(32);

  find(dimensions: ValueMap): LabelSet {
    const { names, types, values } = dimensions;
    const length = values.length;
    if (length > this.#ids.length) this.#ids = new Int32Array(length * 2);
    const ids = this.#ids;
    let hash = length;
    for (let i = 0; i < length; i++) {
      const id = this.#idOf(types[i] as ValueType, values[i] as AttributeValue);
      ids[i] = id;
      hash = (Math.imul(hash, 0x01000193) ^ id) | 0;
    }
    const sets = this.#sets.get(hash);
    if (sets !== undefined)
      for (const set of sets) if (set.names === names && sameIds(set.ids, ids, length)) return set;
    return this.#add(dimensions, hash, ids.slice(0, length), sets);
  }

  /** Forgets all sets; series stay in their families. */
  clear(): void {
    this.#sets.clear();
    this.#values.clear();
    this.#count = 0;
  }

  #idOf(type: ValueType, value: AttributeValue): number {
    const plain = typeof value === "object" ? renderValue(type, value) : value;
    const known = this.#values.get(plain);
    if (known !== undefined) return known;
    const id = this.#values.size + 1;
    this.#values.set(plain, id);
    return id;
  }

  #add(dimensions: ValueMap, hash: number, ids: Int32Array, sets: LabelSet[] | undefined): LabelSet {
    const { names, types, values } = dimensions;
    const texts = values.map((value, i) => renderValue(types[i] as ValueType, value));
    const set: LabelSet = { names, ids, key: texts.map((text) => `${text}\u0000`).join(""), series: [] };
    if (this.#count >= MAX_SETS || this.#values.size >= MAX_VALUES) {
      // The numbers of this set are void as well: it is found again under new ones.
      this.clear();
      return set;
    }
    this.#count++;
    if (sets) sets.push(set);
    else this.#sets.set(hash, [set]);
    return set;
  }
}

function sameIds(known: Int32Array, ids: Int32Array, length: number): boolean {
  if (known.length !== length) return false;
  for (let i = 0; i < length; i++) if (known[i] !== ids[i]) return false;
  return true;
}
