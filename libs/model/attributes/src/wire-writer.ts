import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { fieldNumbers } from "./field-numbers.ts";
import type { Int64 } from "./value.ts";

const TIMESTAMP = fieldNumbers(TimestampSchema);

/** Writes protobuf's wire format into one growing buffer. */
export class WireWriter {
  #bytes: Buffer;
  #pos = 0;

  constructor(size = 256) {
    this.#bytes = Buffer.allocUnsafe(size);
  }

  /** A copy of what was written; the writer is empty afterwards and can be used again. */
  finish(): Buffer {
    const out = Buffer.allocUnsafe(this.#pos);
    this.#bytes.copy(out, 0, 0, this.#pos);
    this.#pos = 0;
    return out;
  }

  #room(more: number): void {
    if (this.#pos + more <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#pos + more));
    this.#bytes.copy(grown, 0, 0, this.#pos);
    this.#bytes = grown;
  }

  #varint(value: number): void {
    while (value > 127) {
      this.#bytes[this.#pos++] = (value & 127) | 128;
      value >>>= 7;
    }
    this.#bytes[this.#pos++] = value;
  }

  uint32(field: number, value: number): this {
    this.#room(10);
    this.#varint(field << 3);
    this.#varint(value >>> 0);
    return this;
  }

  sint32(field: number, value: number): this {
    return this.uint32(field, (value << 1) ^ (value >> 31));
  }

  bool(field: number, value: boolean): this {
    return this.uint32(field, value ? 1 : 0);
  }

  int64(field: number, value: Int64): this {
    this.#room(16);
    this.#varint(field << 3);
    if (typeof value === "number" && value >= 0 && value <= 0xffffffff) {
      this.#varint(value);
      return this;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 127n) {
      this.#bytes[this.#pos++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.#bytes[this.#pos++] = Number(rest);
    return this;
  }

  double(field: number, value: number): this {
    this.#room(16);
    this.#varint((field << 3) | 1);
    this.#pos = this.#bytes.writeDoubleLE(value, this.#pos);
    return this;
  }

  text(field: number, value: string): this {
    const length = Buffer.byteLength(value);
    this.#room(length + 10);
    this.#varint((field << 3) | 2);
    this.#varint(length);
    this.#pos += this.#bytes.write(value, this.#pos);
    return this;
  }

  data(field: number, value: Uint8Array): this {
    this.#room(value.length + 10);
    this.#varint((field << 3) | 2);
    this.#varint(value.length);
    this.#bytes.set(value, this.#pos);
    this.#pos += value.length;
    return this;
  }

  /** A message field; `body` writes its content. */
  message(field: number, body: (writer: this) => void): this {
    this.#room(10);
    this.#varint((field << 3) | 2);
    const start = this.#pos;
    // One byte suffices for the length of most messages; a longer one is moved.
    this.#pos += 1;
    body(this);
    const length = this.#pos - start - 1;
    if (length > 127) {
      const extra = length < 16_384 ? 1 : length < 2_097_152 ? 2 : length < 268_435_456 ? 3 : 4;
      this.#room(extra);
      this.#bytes.copyWithin(start + 1 + extra, start + 1, this.#pos);
      const end = this.#pos + extra;
      this.#pos = start;
      this.#varint(length);
      this.#pos = end;
    } else this.#bytes[start] = length;
    return this;
  }

  /** google.protobuf.Duration of nanoseconds. */
  duration(field: number, nanos: Int64): this {
    const total = BigInt(nanos);
    const seconds = total / 1_000_000_000n;
    return this.secondsNanos(field, Number(seconds), Number(total - seconds * 1_000_000_000n));
  }

  /** A message of seconds and nanoseconds: Timestamp, or Duration, which has the same fields. */
  secondsNanos(field: number, seconds: number, nanos: number): this {
    return this.message(field, () => {
      if (seconds !== 0) this.int64(TIMESTAMP.seconds, seconds);
      if (nanos !== 0) this.int64(TIMESTAMP.nanos, nanos);
    });
  }
}
