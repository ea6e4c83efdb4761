import { hash } from "node:crypto";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";

/** One xDS resource, translated once and encoded once; every proxy that shares it gets the same bytes. */
export interface EncodedResource {
  readonly name: string;
  /** Content hash: the same on every replica and after a restart. */
  readonly version: string;
  readonly bytes: Uint8Array;
  /** Keys of the configuration objects that it came from (`keyOf`). */
  readonly origins: readonly string[];
}

/** The content hash of some bytes, 16 hexadecimal digits. */
export function contentHash(bytes: Uint8Array | string): string {
  return hash("sha1", bytes, "hex").slice(0, 16);
}

/** Encodes a message as a resource. */
export function encodeResourceMessage<T extends DescMessage>(
  schema: T,
  name: string,
  init: MessageInitShape<T>,
  origins: readonly string[] = [],
): EncodedResource {
  return encodedBytes(name, toBinary(schema, create(schema, init)), origins);
}

/** A resource whose bytes were made elsewhere. */
export function encodedBytes(name: string, bytes: Uint8Array, origins: readonly string[] = []): EncodedResource {
  return { name, version: contentHash(bytes), bytes, origins };
}

const LENGTH_DELIMITED = 2;

/** Appends a message or text field that is already encoded. */
export function appendBytes(writer: BinaryWriter, field: number, bytes: Uint8Array): BinaryWriter {
  return writer.uint32((field << 3) | LENGTH_DELIMITED).bytes(bytes);
}

export { BinaryWriter };
