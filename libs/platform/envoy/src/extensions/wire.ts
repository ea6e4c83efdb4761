import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

// Messages by their field numbers: generated code for Envoy's API would cost each agent some 6 MiB.

/** A field of an encoded message. */
export interface WireField {
  readonly number: number;
  readonly type: WireType;
  /** Of a length-delimited field what it holds, of others empty. */
  readonly value: Uint8Array;
  /** The whole field, its tag included. */
  readonly bytes: Uint8Array;
}

/** The fields of an encoded message, in their order. @throws Error for bytes that are no message */
export function fieldsOf(message: Uint8Array): WireField[] {
  const fields: WireField[] = [];
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, type] = reader.tag();
    const value = type === WireType.LengthDelimited ? reader.bytes() : (reader.skip(type, number), new Uint8Array());
    fields.push({ number, type, value, bytes: message.subarray(start, reader.pos) });
  }
  return fields;
}

/** What a field at the end of a path of length-delimited fields holds; of several the last one. @returns undefined where there is none */
export function valueAt(message: Uint8Array, ...path: readonly number[]): Uint8Array | undefined {
  let value: Uint8Array | undefined = message;
  for (const number of path)
    value =
      value &&
      fieldsOf(value).findLast((each) => each.number === number && each.type === WireType.LengthDelimited)?.value;
  return value;
}

export function textAt(message: Uint8Array, ...path: readonly number[]): string {
  const value = valueAt(message, ...path);
  return value ? Buffer.from(value).toString("utf8") : "";
}

/** The value of a field of type varint; 0 where there is none. */
export function numberAt(message: Uint8Array, number: number): number {
  const field = fieldsOf(message).findLast((each) => each.number === number && each.type === WireType.Varint);
  if (!field) return 0;
  const reader = new BinaryReader(field.bytes);
  reader.tag();
  return reader.uint32();
}

/**
 * The message with another value in the field at the end of a path, all of which are length-delimited; everything else stays.
 * @param edit gets what is there; undefined takes the field away
 */
export function edited(
  message: Uint8Array,
  [first, ...rest]: readonly [number, ...number[]],
  edit: (value: Uint8Array) => Uint8Array | undefined,
): Uint8Array {
  const before = valueAt(message, first) ?? new Uint8Array();
  const [next, ...further] = rest;
  const after = next === undefined ? edit(before) : edited(before, [next, ...further], edit);
  const kept = fieldsOf(message)
    .filter((each) => each.number !== first)
    .map(({ bytes }) => bytes);
  return Buffer.concat(after === undefined ? kept : [...kept, field(first, after)]);
}

/** A length-delimited field. */
export function field(number: number, value: Uint8Array | string): Uint8Array {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(bytes).finish();
}
