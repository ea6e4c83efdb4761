import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

// Protobuf's encoding of messages, whole or in pieces that are encoded already.

export { BinaryWriter };

/** The bytes of a message. @throws Error when a field has a value that its type cannot have */
export function bytesOf<T extends DescMessage>(schema: T, init: MessageInitShape<T>): Uint8Array {
  return toBinary(schema, create(schema, init));
}

/** Appends a message or string field that is already encoded. */
export function appendBytes(writer: BinaryWriter, field: number, bytes: Uint8Array): BinaryWriter {
  return writer.tag(field, WireType.LengthDelimited).bytes(bytes);
}

/** Appends an unsigned number of 32 bits. */
export function appendNumber(writer: BinaryWriter, field: number, value: number): BinaryWriter {
  return writer.tag(field, WireType.Varint).uint32(value);
}

/**
 * A message that begins with bytes and goes on with encoded values of one field, in memory of its very size: a table of megabytes
 * that grew would be copied, and left behind, many times.
 */
export function withFields(head: Uint8Array, field: number, values: readonly Uint8Array[]): Uint8Array {
  const tag = new BinaryWriter().tag(field, WireType.LengthDelimited).finish();
  let size = head.length;
  for (const { length } of values) size += tag.length + varintSize(length) + length;
  const message = new Uint8Array(size);
  message.set(head);
  let at = head.length;
  for (const value of values) {
    message.set(tag, at);
    at = writeVarint(message, at + tag.length, value.length);
    message.set(value, at);
    at += value.length;
  }
  return message;
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) size++;
  return size;
}

/** @returns where it ends */
function writeVarint(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
  bytes[at++] = rest;
  return at;
}

export interface EncodedField {
  readonly number: number;
  /** A view of the message's bytes: what is in the field, without tag and length. */
  readonly bytes: Uint8Array;
  /** Where the field ends in the message. */
  readonly end: number;
}

/** The message and string fields of an encoded message, in their order. */
export function* encodedFields(message: Uint8Array): Generator<EncodedField> {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (type === WireType.LengthDelimited) yield { number, bytes: reader.bytes(), end: reader.pos };
    else reader.skip(type);
  }
}

/** The value of a string field; empty when it is not there. */
export function stringField(message: Uint8Array, field: number): string {
  for (const { number, bytes } of encodedFields(message))
    if (number === field) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  return "";
}
