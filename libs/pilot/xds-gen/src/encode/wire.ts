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
