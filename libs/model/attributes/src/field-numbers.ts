import type { DescField, DescMessage } from "@bufbuild/protobuf";

/** A message's descriptor, as far as it names fields. Generated descriptors know their fields' names by type. */
interface Fields<K extends string> extends DescMessage {
  readonly field: Record<K, DescField>;
}

/**
 * The field numbers of a message, by the names that its generated descriptor has: for code that reads and writes the wire format
 * itself. Take them at module load: they are constants then.
 */
export function fieldNumbers<K extends string>(schema: Fields<K>): Readonly<Record<K, number>> {
  return Object.fromEntries(schema.fields.map(({ localName, number }) => [localName, number])) as Record<K, number>;
}

/** The fields of a map's entries, which have no descriptor (protobuf.dev, "Encoding", Maps). */
export const MAP_ENTRY = { key: 1, value: 2 } as const;

/** Wire types (protobuf.dev, "Encoding"). */
export const WIRE_TYPE = { varint: 0, fixed64: 1, lengthDelimited: 2, fixed32: 5 } as const;

/** The number that stands before a field on the wire. */
export function fieldTag(field: number, wireType: keyof typeof WIRE_TYPE): number {
  return (field << 3) | WIRE_TYPE[wireType];
}
