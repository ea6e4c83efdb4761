import { XebecError } from "@xebec/core-errors";
import { internAscii } from "./intern.ts";
import { type Int64, int64 } from "./value.ts";

const cut = (): never => {
  throw new XebecError("invalid_argument", "the message is cut off or is not protobuf");
};

/** Most entries of a map, and fields of a message: real ones have some dozens. Looking through more would hold up everybody else. */
export const MOST_ENTRIES = 10_000;

/** @throws XebecError resource_exhausted when there are too many */
export function checkEntries(count: number): void {
  if (count > MOST_ENTRIES)
    throw new XebecError("resource_exhausted", `a map or message may have ${MOST_ENTRIES} entries; this one has more`);
}

/** Reads protobuf's wire format in place (protobuf.dev, "Encoding"); moves forward, allocates nothing but what it returns. */
export class Wire {
  bytes: Buffer;
  pos: number;
  end: number;

  constructor(bytes: Uint8Array, pos = 0, end = bytes.length) {
    this.bytes = asBuffer(bytes);
    this.pos = pos;
    this.end = end;
  }

  /** Starts anew on another part of some bytes. */
  reset(bytes: Buffer, pos: number, end: number): this {
    this.bytes = bytes;
    this.pos = pos;
    this.end = end;
    return this;
  }

  /** The low 32 bits of a varint, unsigned. Also a field's tag. */
  uint32(): number {
    const { bytes, end } = this;
    let pos = this.pos;
    if (pos >= end) cut();
    let byte = bytes[pos++] as number;
    if (byte < 128) {
      this.pos = pos;
      return byte;
    }
    let value = byte & 127;
    for (let shift = 7; ; shift += 7) {
      if (pos >= end || shift > 63) cut();
      byte = bytes[pos++] as number;
      if (shift < 32) value |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    this.pos = pos;
    return value >>> 0;
  }

  sint32(): number {
    const value = this.uint32();
    return (value >>> 1) ^ -(value & 1);
  }

  /** A varint as a signed 64-bit integer. */
  int64(): Int64 {
    const { bytes, end } = this;
    const start = this.pos;
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 7; i++) {
      if (start + i >= end) cut();
      const byte = bytes[start + i] as number;
      value += (byte & 127) * scale;
      if (byte < 128) {
        this.pos = start + i + 1;
        return value;
      }
      scale *= 128;
    }
    let big = 0n;
    for (let i = 0; ; i++) {
      if (start + i >= end || i > 9) cut();
      const byte = bytes[start + i] as number;
      big |= BigInt(byte & 127) << BigInt(7 * i);
      if (byte < 128) {
        this.pos = start + i + 1;
        return int64(BigInt.asIntN(64, big));
      }
    }
  }

  double(): number {
    if (this.pos + 8 > this.end) cut();
    const value = this.bytes.readDoubleLE(this.pos);
    this.pos += 8;
    return value;
  }

  /** Reads a length and checks that so many bytes follow. */
  length(): number {
    const length = this.uint32();
    if (this.pos + length > this.end) cut();
    return length;
  }

  /** A string field's content. Short strings are interned. */
  text(): string {
    const length = this.length();
    const start = this.pos;
    this.pos = start + length;
    return textAt(this.bytes, start, this.pos);
  }

  skip(wireType: number): void {
    if (wireType === 2) {
      const length = this.length();
      this.pos += length;
    } else if (wireType === 0) {
      while ((this.pos < this.end ? (this.bytes[this.pos++] as number) : cut()) > 127);
    } else if (wireType === 1 || wireType === 5) {
      this.pos += wireType === 1 ? 8 : 4;
      if (this.pos > this.end) cut();
    } else cut();
  }
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The UTF-8 text between two offsets; short strings are interned. */
export function textAt(bytes: Buffer, start: number, end: number): string {
  return internAscii(bytes, start, end) ?? bytes.toString("utf8", start, end);
}
