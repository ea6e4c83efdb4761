import type { Timestamp } from "@xebec/model-attributes";
import { fieldTag, textAt, Wire } from "@xebec/model-attributes/wire";
import { ANY_VALUE, KEY_VALUE, LOG_RECORD } from "./otlp-wire.ts";

const EMPTY = Buffer.alloc(0);
const TIME_TAG = fieldTag(LOG_RECORD.timeUnixNano, "fixed64");
const KEY_TAG = fieldTag(KEY_VALUE.key, "lengthDelimited");
const VALUE_TAG = fieldTag(KEY_VALUE.value, "lengthDelimited");
const STRING_TAG = fieldTag(ANY_VALUE.stringValue, "lengthDelimited");
const DASH = 45;
/** A longer key is none of ours: it is stepped over without being read. */
const LONGEST_KEY = 32;

/** A log record of OpenTelemetry in place: one pass notes where the strings of the known attributes are. */
export class OtelRecord {
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  readonly #wire = new Wire(EMPTY);
  readonly #inner = new Wire(EMPTY);
  readonly #attributesTag: number;
  bytes: Buffer = EMPTY;
  #time = -1;

  /** @param keys the attributes that are read. @param field the field of attributes: a resource has them, too */
  constructor(keys: readonly string[], field: number = LOG_RECORD.attributes) {
    this.#attributesTag = fieldTag(field, "lengthDelimited");
    this.#numbers = new Map(keys.map((key, i) => [key, i]));
    this.#starts = new Int32Array(keys.length);
    this.#ends = new Int32Array(keys.length);
  }

  /** Takes the record between two offsets. @throws XebecError invalid_argument when it is cut off */
  read(bytes: Buffer, pos: number, end: number): this {
    this.bytes = bytes;
    this.#time = -1;
    this.#starts.fill(0);
    this.#ends.fill(0);
    const wire = this.#wire.reset(bytes, pos, end);
    while (wire.pos < end) {
      const tag = wire.uint32();
      if (tag === this.#attributesTag) {
        const length = wire.length();
        this.#attribute(wire.pos, wire.pos + length);
        wire.pos += length;
        continue;
      }
      if (tag === TIME_TAG) this.#time = wire.pos;
      wire.skip(tag & 7);
    }
    return this;
  }

  #attribute(pos: number, end: number): void {
    const wire = this.#inner.reset(this.bytes, pos, end);
    let key: number | undefined;
    let start = 0;
    let stop = 0;
    while (wire.pos < end) {
      const tag = wire.uint32();
      if (tag === KEY_TAG) {
        const length = wire.length();
        if (length <= LONGEST_KEY) key = this.#numbers.get(textAt(this.bytes, wire.pos, wire.pos + length));
        wire.pos += length;
      } else if (tag === VALUE_TAG) {
        const stopOfValue = wire.length() + wire.pos;
        while (wire.pos < stopOfValue) {
          const inner = wire.uint32();
          if (inner === STRING_TAG) {
            const length = wire.length();
            start = wire.pos;
            stop = start + length;
            wire.pos = stop;
          } else wire.skip(inner & 7);
        }
      } else wire.skip(tag & 7);
    }
    if (key === undefined || start === stop) return;
    // Envoy's sign of nothing.
    if (stop === start + 1 && this.bytes[start] === DASH) return;
    this.#starts[key] = start;
    this.#ends[key] = stop;
  }

  /** Where an attribute's string begins. */
  start(key: number): number {
    return this.#starts[key] as number;
  }

  /** The length of an attribute's string; 0 when there is none. */
  length(key: number): number {
    return (this.#ends[key] as number) - (this.#starts[key] as number);
  }

  /** An attribute's string; "" when there is none. */
  text(key: number): string {
    const start = this.#starts[key] as number;
    const end = this.#ends[key] as number;
    return start === end ? "" : textAt(this.bytes, start, end);
  }

  /** An attribute that is digits; 0 when there is none, or it is something else. */
  number(key: number): number {
    const end = this.#ends[key] as number;
    let value = 0;
    for (let i = this.#starts[key] as number; i < end; i++) {
      const digit = (this.bytes[i] as number) - 48;
      if (digit < 0 || digit > 9) return 0;
      value = value * 10 + digit;
    }
    return Number.isSafeInteger(value) ? value : 0;
  }

  /** When the request or connection began. */
  get time(): Timestamp | undefined {
    if (this.#time < 0 || this.#time + 8 > this.bytes.length) return undefined;
    const nanos = this.bytes.readBigUInt64LE(this.#time);
    return { seconds: Number(nanos / 1_000_000_000n), nanos: Number(nanos % 1_000_000_000n) };
  }
}
