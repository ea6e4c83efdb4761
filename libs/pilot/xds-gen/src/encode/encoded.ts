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
  /**
   * A route table whose virtual hosts are resources of their own (VHDS), and these. Absent for all else, and for a table without
   * virtual hosts.
   */
  split?(): SplitTable | undefined;
  /** Patches that could not be applied; absent when there are none. */
  readonly patchErrors?: readonly PatchError[];
}

/** A route table in pieces (docs/adr/0016-virtual-host-discovery.md). */
export interface SplitTable {
  /** The table without virtual hosts, which says that they come by VHDS. */
  readonly table: EncodedResource;
  /** Each named `TABLE/HOST`: Envoy assigns them to tables by that prefix. */
  readonly hosts: readonly EncodedResource[];
}

/** Versions of tables that leave their virtual hosts to VHDS begin with it: a client that comes back says by it what it has. */
const SPLIT_VERSION = "vhds-";

/** The version of a table without its virtual hosts. @param version the content hash of what is left */
export function splitVersion(version: string): string {
  return SPLIT_VERSION + version;
}

/** True for the version of a table whose virtual hosts come by VHDS. */
export function isSplitVersion(version: string): boolean {
  return version.startsWith(SPLIT_VERSION);
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
