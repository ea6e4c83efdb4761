import { hash } from "node:crypto";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { PatchError } from "../patch/patch-error.ts";

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
  /**
   * The same resource with some of its parts replaced by others of their names, or left out. Absent where each part means
   * something only together with all others: a filter chain that is gone leaves its connections to the next one.
   */
  withParts?(instead: ReadonlyMap<string, ResourcePart | undefined>): EncodedResource;
  /** Patches that could not be applied; absent when there are none. */
  readonly patchErrors?: readonly PatchError[];
}

/** A part of a resource, with its own objects: two versions of a resource are compared part by part. */
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
  const bytes = toBinary(schema, create(schema, init));
  return { name, version: contentHash(bytes), bytes, configKeys };
}
