import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { CompressedAttributesSchema, StringMapSchema } from "@xebec/api-mesh/istio/mixer/v1/attributes";
import { XebecError } from "@xebec/core-errors";
import { AttributeBag } from "./bag.ts";
import { GLOBAL_WORDS } from "./dictionary.ts";
import { fieldNumbers, fieldTag, MAP_ENTRY } from "./field-numbers.ts";
import type { Layout } from "./layout.ts";
import { MessageDictionary } from "./message-dictionary.ts";
import { TRANSPORT, transportOf } from "./transport.ts";
import type { AttributeValue, Timestamp } from "./value.ts";
import { checkEntries, Wire } from "./wire.ts";
import { WireStringMap } from "./wire-string-map.ts";

const WORDS_TAG = fieldTag(fieldNumbers(CompressedAttributesSchema).words, "lengthDelimited");
const ENTRIES_TAG = fieldTag(fieldNumbers(StringMapSchema).entries, "lengthDelimited");
const KEY_TAG = fieldTag(MAP_ENTRY.key, "varint");
const VALUE_TAG = fieldTag(MAP_ENTRY.value, "varint");
const LENGTH_DELIMITED = 2;
const TIMESTAMP = fieldNumbers(TimestampSchema);
const SECONDS_TAG = fieldTag(TIMESTAMP.seconds, "varint");
const NANOS_TAG = fieldTag(TIMESTAMP.nanos, "varint");

/** The map fields with what a value of theirs is called, in order of precedence: a name in several of them has the first. */
const MAPS: readonly (readonly [field: number, type: string])[] = [
  [TRANSPORT.STRINGS, "string"],
  [TRANSPORT.STRING_MAPS, "string map"],
  [TRANSPORT.INT64S, "int64"],
  [TRANSPORT.DOUBLES, "double"],
  [TRANSPORT.BOOLS, "bool"],
  [TRANSPORT.TIMESTAMPS, "timestamp"],
  [TRANSPORT.DURATIONS, "duration"],
  [TRANSPORT.BYTES, "bytes"],
];
/** Rank of a map field when a name is in several (docs/reference/mixer.md §2): smaller wins; 0 for other fields. */
const RANK = new Uint8Array(1 + Math.max(...MAPS.map(([field]) => field)));
for (const [i, [field]] of MAPS.entries()) RANK[field] = i + 1;
const TRANSPORT_NAMES = new Map(MAPS);

/** A bag over istio.mixer.v1.CompressedAttributes, decoded lazily from the wire. */
export class CompressedBag extends AttributeBag {
  /** The map field that holds each slot, 0 for none. */
  readonly #fields: Uint8Array;
  /** Offset of each slot's value, after its tag. */
  readonly #at: Int32Array;
  readonly #tables: MessageDictionary[];
  readonly #own = new MessageDictionary();
  /** Words that several messages have in common. */
  readonly sharedWords: MessageDictionary = new MessageDictionary();
  readonly #wire = new Wire(new Uint8Array(0));
  readonly #inner = new Wire(new Uint8Array(0));
  readonly #transports: Uint8Array;
  readonly #stamps: Int32Array;
  readonly #globalStamps = new Int32Array(GLOBAL_WORDS.length);
  #wordStamps = new Int32Array(64);
  #stamp = 0;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(layout: Layout) {
    super(layout);
    this.#fields = new Uint8Array(layout.size);
    this.#at = new Int32Array(layout.size);
    this.#transports = Uint8Array.from(layout.types, transportOf);
    this.#stamps = new Int32Array(layout.size);
    this.#tables = new Array<MessageDictionary>(layout.size).fill(this.#own);
  }

  /** Starts a new request: forgets all that was read before. */
  start(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#fields.fill(0);
    this.forget();
  }

  /**
   * Reads the attributes of one CompressedAttributes message over those that are there.
   * @param pos first byte of the message in the bytes given to `start`, `end` the byte after it
   * @param words used when the message has none of its own
   * @param strict checks every index and refuses doubled names, as for the later elements of a delta-encoded Report;
   * otherwise a value that cannot be decoded counts as absent
   * @throws XebecError invalid_argument; what was read before the error stays
   */
  read(pos: number, end: number, words: MessageDictionary | undefined, strict: boolean): void {
    this.forgetOwn();
    const wire = this.#wire.reset(this.#bytes, pos, end);
    const table = this.#words(wire, words);
    const { globalSlots } = this.layout;
    const stamp = ++this.#stamp;
    wire.reset(this.#bytes, pos, end);
    let entries = 0;
    while (wire.pos < end) {
      const tag = wire.uint32();
      const field = tag >>> 3;
      if (field >= RANK.length || RANK[field] === 0 || (tag & 7) !== LENGTH_DELIMITED) {
        wire.skip(tag & 7);
        continue;
      }
      checkEntries(++entries);
      const stop = wire.length() + wire.pos;
      let name = 0;
      let value = -1;
      while (wire.pos < stop) {
        const inner = wire.uint32();
        if (inner === KEY_TAG) name = wire.sint32();
        else {
          if (inner >>> 3 === MAP_ENTRY.value) value = wire.pos;
          wire.skip(inner & 7);
        }
      }
      if (wire.pos !== stop) throw new XebecError("invalid_argument", "a map entry of the attributes is malformed");
      if (strict) this.#verify(name, field, value, stop, stamp, table);
      const slot = name >= 0 ? (globalSlots[name] ?? -1) : this.#slotOfWord(name, table);
      if (slot < 0) continue;
      if (this.#stamps[slot] === stamp && (RANK[this.#fields[slot] as number] as number) < (RANK[field] as number))
        continue;
      this.#stamps[slot] = stamp;
      this.#fields[slot] = field;
      this.#at[slot] = value;
      this.#tables[slot] = table;
      this.forgetSlot(slot);
    }
  }

  /** The message's own words, or the given ones when it has none. */
  #words(wire: Wire, shared: MessageDictionary | undefined): MessageDictionary {
    let own: MessageDictionary | undefined;
    while (wire.pos < wire.end) {
      const tag = wire.uint32();
      if (tag !== WORDS_TAG) {
        wire.skip(tag & 7);
        continue;
      }
      // Words of earlier elements may still be in use, so a Report's elements each get a table of their own.
      own ??= shared ? new MessageDictionary().reset(this.#bytes) : this.#own.reset(this.#bytes);
      const length = wire.length();
      own.add(wire.pos, wire.pos + length);
      wire.pos += length;
    }
    return own ?? shared ?? this.#own.reset(this.#bytes);
  }

  #slotOfWord(name: number, table: MessageDictionary): number {
    const word = table.word(name);
    return word === undefined ? -1 : this.layout.find(word);
  }

  #verify(name: number, field: number, value: number, stop: number, stamp: number, table: MessageDictionary): void {
    if (!table.defines(name)) throw undefinedIndex(name);
    if (name < 0 && -name >= this.#wordStamps.length) {
      const grown = new Int32Array(Math.max(table.size + 1, this.#wordStamps.length * 2));
      grown.set(this.#wordStamps);
      this.#wordStamps = grown;
    }
    const stamps = name >= 0 ? this.#globalStamps : this.#wordStamps;
    const at = Math.abs(name);
    if (stamps[at] === stamp)
      throw new XebecError("invalid_argument", `duplicate attribute '${table.word(name)}' in one element`);
    stamps[at] = stamp;
    if (field !== TRANSPORT.STRINGS && field !== TRANSPORT.STRING_MAPS) return;
    if (value < 0) return;
    const wire = this.#inner.reset(this.#bytes, value, stop);
    if (field === TRANSPORT.STRINGS) {
      const index = wire.sint32();
      if (!table.defines(index)) throw undefinedIndex(index);
      return;
    }
    verifyMap(wire, table);
  }

  protected override load(slot: number): AttributeValue | undefined {
    const field = this.#fields[slot] as number;
    if (field === 0) return undefined;
    const want = this.#transports[slot] as number;
    if (field !== want && !(isInteger(field) && isInteger(want)))
      throw this.mismatch(slot, TRANSPORT_NAMES.get(field) as string);
    const at = this.#at[slot] as number;
    const table = this.#tables[slot] as MessageDictionary;
    // A value that is proto3's default may be left out of its map entry.
    const wire = at < 0 ? undefined : this.#wire.reset(this.#bytes, at, this.#bytes.length);
    switch (field) {
      case TRANSPORT.STRINGS:
        return table.word(wire ? wire.sint32() : 0);
      case TRANSPORT.INT64S:
        return wire ? wire.int64() : 0;
      case TRANSPORT.DOUBLES:
        return wire ? wire.double() : 0;
      case TRANSPORT.BOOLS:
        return wire ? wire.uint32() !== 0 : false;
      case TRANSPORT.TIMESTAMPS:
        return wire ? readTimestamp(wire) : { seconds: 0, nanos: 0 };
      case TRANSPORT.DURATIONS:
        return wire ? readDuration(wire) : 0;
      case TRANSPORT.BYTES: {
        if (!wire) return new Uint8Array(0);
        const length = wire.length();
        return Uint8Array.from(this.#bytes.subarray(wire.pos, wire.pos + length));
      }
      default:
        return new WireStringMap(this.#bytes, at, table, slot, this.tracker);
    }
  }
}

/** Checks all indexes of a map without keeping them: most maps of a report are read by no rule. */
function verifyMap(wire: Wire, table: MessageDictionary): void {
  const end = wire.length() + wire.pos;
  while (wire.pos < end) {
    const tag = wire.uint32();
    if (tag !== ENTRIES_TAG) {
      wire.skip(tag & 7);
      continue;
    }
    const stop = wire.length() + wire.pos;
    while (wire.pos < stop) {
      const inner = wire.uint32();
      if (inner === KEY_TAG || inner === VALUE_TAG) {
        const index = wire.sint32();
        if (!table.defines(index)) throw undefinedIndex(index);
      } else wire.skip(inner & 7);
    }
  }
}

const isInteger = (field: number): boolean => field === TRANSPORT.INT64S || field === TRANSPORT.DURATIONS;

const undefinedIndex = (index: number): XebecError =>
  new XebecError("invalid_argument", `attribute index ${index} is not defined in the available dictionaries`);

/** Reads a length-delimited google.protobuf.Timestamp. */
export function readTimestamp(wire: Wire): Timestamp {
  let seconds = 0;
  let nanos = 0;
  const stop = wire.length() + wire.pos;
  while (wire.pos < stop) {
    const tag = wire.uint32();
    if (tag === SECONDS_TAG) seconds = Number(wire.int64());
    else if (tag === NANOS_TAG) nanos = Number(wire.int64());
    else wire.skip(tag & 7);
  }
  return { seconds, nanos };
}

/** Reads a length-delimited google.protobuf.Duration, which has the fields of a Timestamp. @returns nanoseconds */
export function readDuration(wire: Wire): number | bigint {
  const { seconds, nanos } = readTimestamp(wire);
  const total = seconds * 1e9 + nanos;
  return Number.isSafeInteger(total) ? total : BigInt.asIntN(64, BigInt(seconds) * 1_000_000_000n + BigInt(nanos));
}
