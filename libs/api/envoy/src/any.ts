import { create, type DescMessage, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { type Any, AnySchema } from "@bufbuild/protobuf/wkt";

/**
 * Packs a message into `google.protobuf.Any`.
 * @param schema the message's descriptor
 * @param init the message or its initial fields
 * @returns the Any, with the `type.googleapis.com/` prefix that Envoy expects
 */
export function anyOf<T extends DescMessage>(schema: T, init: MessageShape<T> | MessageInitShape<T>): Any {
  return bytesAny(schema.typeName, toBinary(schema, create(schema, init as MessageInitShape<T>)));
}

/** Packs a message that is already encoded. `typeName` is the full protobuf name, without prefix. */
export function bytesAny(typeName: string, value: Uint8Array): Any {
  return create(AnySchema, { typeUrl: `type.googleapis.com/${typeName}`, value });
}
