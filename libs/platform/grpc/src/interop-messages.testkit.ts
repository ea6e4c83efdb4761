import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** A message by its field numbers: numbers are varints, anything else is length-delimited. */
export type Fields = readonly (readonly [field: number, value: number | string | Uint8Array])[];

export function encode(fields: Fields): Uint8Array {
  const writer = new BinaryWriter();
  for (const [field, value] of fields)
    if (typeof value === "number") writer.tag(field, WireType.Varint).int32(value);
    else writer.tag(field, WireType.LengthDelimited).bytes(typeof value === "string" ? Buffer.from(value) : value);
  return writer.finish();
}

/** What a message holds of each field, in order. */
export class Decoded {
  readonly #fields = new Map<number, (number | Uint8Array)[]>();

  constructor(bytes: Uint8Array) {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      const value = type === WireType.Varint ? reader.int32() : reader.bytes();
      this.#fields.set(field, [...(this.#fields.get(field) ?? []), value]);
    }
  }

  has(field: number): boolean {
    return this.#fields.has(field);
  }

  number(field: number): number {
    return Number(this.#fields.get(field)?.at(-1) ?? 0);
  }

  bytes(field: number): Uint8Array {
    const value = this.#fields.get(field)?.at(-1);
    return value instanceof Uint8Array ? value : new Uint8Array();
  }

  messages(field: number): Decoded[] {
    return (this.#fields.get(field) ?? []).map((value) => new Decoded(value as Uint8Array));
  }

  message(field: number): Decoded {
    return new Decoded(this.bytes(field));
  }
}

/** grpc.testing.Payload with so many zeros. */
export function payload(size: number): Uint8Array {
  return encode([[2, new Uint8Array(size)]]);
}
