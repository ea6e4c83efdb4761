import type { StringMap, Timestamp } from "@xebec/model-attributes";
import { checkEntries, fieldTag, MAP_ENTRY, readTimestamp, textAt, Wire } from "@xebec/model-attributes/wire";

const EMPTY = Buffer.alloc(0);
const KEY_TAG = fieldTag(MAP_ENTRY.key, "lengthDelimited");
const VALUE_TAG = fieldTag(MAP_ENTRY.value, "lengthDelimited");

/** A message's type, as far as a view needs it; generated descriptors are of this form. */
interface MessageFields {
  readonly fields: readonly { readonly number: number }[];
}

/** The type of a map's entries, of which no descriptor is generated. */
export const MAP_ENTRY_FIELDS: MessageFields = {
  fields: Object.values(MAP_ENTRY).map((number) => ({ number })),
};

/**
 * A protobuf message in place: one pass notes where each field is, values are read when they are asked for. Used again and
 * again for messages of one type.
 */
export class MessageView {
  readonly #at: Int32Array;
  readonly #wire = new Wire(EMPTY);
  bytes: Buffer = EMPTY;
  start = 0;
  #end = 0;

  /** @param schema the messages' type; all its fields have low numbers */
  constructor(schema: MessageFields) {
    this.#at = new Int32Array(Math.max(...schema.fields.map((field) => field.number)) + 1);
  }

  /** Takes the message between two offsets. @throws XebecError invalid_argument when it is cut off, resource_exhausted when it has too many fields */
  read(bytes: Buffer, pos: number, end: number): this {
    this.clear();
    this.bytes = bytes;
    this.start = pos;
    this.#end = end;
    const wire = this.#wire.reset(bytes, pos, end);
    const at = this.#at;
    let fields = 0;
    while (wire.pos < end) {
      const tag = wire.uint32();
      const field = tag >>> 3;
      checkEntries(++fields);
      // The place after the tag is never 0, so 0 means absent. Of a repeated field the first one counts.
      if (field < at.length && at[field] === 0) at[field] = wire.pos;
      wire.skip(tag & 7);
    }
    return this;
  }

  clear(): void {
    this.#at.fill(0);
  }

  get end(): number {
    return this.#end;
  }

  has(field: number): boolean {
    return this.#at[field] !== 0;
  }

  /** A string field; "" when it is absent, as in proto3. */
  text(field: number): string {
    const at = this.#at[field] as number;
    return at === 0 ? "" : this.#wire.reset(this.bytes, at, this.#end).text();
  }

  /** An integer, enumeration or boolean; 0 when it is absent. */
  number(field: number): number {
    const at = this.#at[field] as number;
    return at === 0 ? 0 : Number(this.#wire.reset(this.bytes, at, this.#end).int64());
  }

  /** Reads a message field into another view. @returns whether it is there */
  message(field: number, into: MessageView): boolean {
    const at = this.#at[field] as number;
    if (at === 0) {
      into.clear();
      return false;
    }
    const wire = this.#wire.reset(this.bytes, at, this.#end);
    const length = wire.length();
    into.read(this.bytes, wire.pos, wire.pos + length);
    return true;
  }

  /** A Timestamp field, or a Duration as its seconds and nanoseconds. */
  time(field: number): Timestamp | undefined {
    const at = this.#at[field] as number;
    return at === 0 ? undefined : readTimestamp(this.#wire.reset(this.bytes, at, this.#end));
  }

  /** A map<string, string> field. It reads the same bytes, so it must not outlive them. */
  map(field: number): StringMap {
    return new FieldMap(this.bytes, this.#at[field] as number, this.#end, field);
  }

  /** Calls `each` with the place of every message of a repeated field. */
  forEach(field: number, each: (pos: number, end: number) => void): void {
    const at = this.#at[field] as number;
    if (at === 0) return;
    const wire = new Wire(this.bytes, at, this.#end);
    const tag = fieldTag(field, "lengthDelimited");
    for (let next = tag; ; ) {
      if (next === tag) {
        const length = wire.length();
        each(wire.pos, wire.pos + length);
        wire.pos += length;
      } else wire.skip(next & 7);
      if (wire.pos >= this.#end) return;
      next = wire.uint32();
    }
  }
}

class FieldMap implements StringMap {
  readonly #bytes: Buffer;
  readonly #at: number;
  readonly #end: number;
  readonly #tag: number;

  constructor(bytes: Buffer, at: number, end: number, field: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
    this.#tag = fieldTag(field, "lengthDelimited");
  }

  get(key: string): string | undefined {
    let found: string | undefined;
    this.#each((name, start, end) => {
      if (name === key) found = textAt(this.#bytes, start, end);
    });
    return found;
  }

  entries(): Iterable<readonly [string, string]> {
    const out = new Map<string, string>();
    this.#each((name, start, end) => out.set(name, textAt(this.#bytes, start, end)));
    return out;
  }

  #each(visit: (key: string, start: number, end: number) => void): void {
    if (this.#at === 0) return;
    const wire = new Wire(this.#bytes, this.#at, this.#end);
    for (let next = this.#tag; ; ) {
      if (next === this.#tag) {
        const stop = wire.length() + wire.pos;
        let key = "";
        let start = 0;
        let end = 0;
        while (wire.pos < stop) {
          const tag = wire.uint32();
          if (tag === KEY_TAG) key = wire.text();
          else if (tag === VALUE_TAG) {
            const length = wire.length();
            start = wire.pos;
            end = start + length;
            wire.pos = end;
          } else wire.skip(tag & 7);
        }
        visit(key, start, end);
      } else wire.skip(next & 7);
      if (wire.pos >= this.#end) return;
      next = wire.uint32();
    }
  }
}
