import { StringMapSchema } from "@xebec/api-mesh/istio/mixer/v1/attributes";
import { fieldNumbers, fieldTag, MAP_ENTRY } from "./field-numbers.ts";
import type { MessageDictionary } from "./message-dictionary.ts";
import type { ReferenceTracker } from "./reference-tracker.ts";
import type { StringMap } from "./value.ts";
import { checkEntries, Wire } from "./wire.ts";

const ENTRIES_TAG = fieldTag(fieldNumbers(StringMapSchema).entries, "lengthDelimited");
const KEY_TAG = fieldTag(MAP_ENTRY.key, "varint");
const VALUE_TAG = fieldTag(MAP_ENTRY.value, "varint");

/** A map of a request, whose keys and values are indexes into dictionaries; decoded as far as it is asked. */
export class WireStringMap implements StringMap {
  readonly #bytes: Buffer;
  readonly #at: number;
  readonly #table: MessageDictionary;
  readonly #slot: number;
  readonly #tracker: ReferenceTracker | undefined;
  #keys: number[] | undefined;
  #values: number[] = [];

  /** @param at offset of the map's length, -1 for a map without entries */
  constructor(
    bytes: Buffer,
    at: number,
    table: MessageDictionary,
    slot: number,
    tracker: ReferenceTracker | undefined,
  ) {
    this.#bytes = bytes;
    this.#at = at;
    this.#table = table;
    this.#slot = slot;
    this.#tracker = tracker;
  }

  get(key: string): string | undefined {
    const keys = this.#index();
    let value: string | undefined;
    // The last of several entries with one key holds.
    for (let i = keys.length - 1; i >= 0; i--)
      if (this.#table.word(keys[i] as number) === key) {
        value = this.#table.word(this.#values[i] as number);
        break;
      }
    this.#tracker?.entry(this.#slot, key, value !== undefined);
    return value;
  }

  entries(): Iterable<readonly [string, string]> {
    const out = new Map<string, string>();
    for (const [i, index] of this.#index().entries()) {
      const key = this.#table.word(index);
      const value = this.#table.word(this.#values[i] as number);
      if (key !== undefined && value !== undefined) out.set(key, value);
    }
    return out;
  }

  #index(): number[] {
    if (this.#keys) return this.#keys;
    const keys: number[] = [];
    const values: number[] = [];
    if (this.#at >= 0) {
      const wire = new Wire(this.#bytes, this.#at);
      const end = wire.length() + wire.pos;
      while (wire.pos < end) {
        const tag = wire.uint32();
        if (tag !== ENTRIES_TAG) {
          wire.skip(tag & 7);
          continue;
        }
        const stop = wire.length() + wire.pos;
        let key = 0;
        let value = 0;
        while (wire.pos < stop) {
          const inner = wire.uint32();
          if (inner === KEY_TAG) key = wire.sint32();
          else if (inner === VALUE_TAG) value = wire.sint32();
          else wire.skip(inner & 7);
        }
        keys.push(key);
        checkEntries(keys.length);
        values.push(value);
      }
    }
    this.#keys = keys;
    this.#values = values;
    return keys;
  }
}
