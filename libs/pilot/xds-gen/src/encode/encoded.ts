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
  readonly configKeys: readonly string[];
  /**
   * The parts of a resource that many objects are behind: virtual hosts of a route table, filter chains of a listener. They are
   * found in the bytes when they are asked for, which only a NACK does. Absent where the resource is of one piece.
   */
  readonly parts?: readonly ResourcePart[];
}

/** A part of a resource, with its own objects: two versions of a resource are told apart part by part. */
export interface ResourcePart {
  readonly kind: "virtualHost" | "route" | "filterChain";
  /** As Envoy's messages have it; may be empty, and several parts may have the same. */
  readonly name: string;
  /** Content hash of the part's bytes. */
  readonly version: string;
  /** Keys of the objects that the part came from, those of its own parts included. */
  readonly configKeys: readonly string[];
  /** The routes of a virtual host. */
  readonly parts?: readonly ResourcePart[];
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
  configKeys: readonly string[] = [],
): EncodedResource {
  return encodedBytes(name, toBinary(schema, create(schema, init)), configKeys);
}

/** A resource whose bytes were made elsewhere. */
export function encodedBytes(name: string, bytes: Uint8Array, configKeys: readonly string[] = []): EncodedResource {
  return { name, version: contentHash(bytes), bytes, configKeys };
}

const LENGTH_DELIMITED = 2;

/** Appends a message or text field that is already encoded. */
export function appendBytes(writer: BinaryWriter, field: number, bytes: Uint8Array): BinaryWriter {
  return writer.uint32((field << 3) | LENGTH_DELIMITED).bytes(bytes);
}

export { BinaryWriter };
