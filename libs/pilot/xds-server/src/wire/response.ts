import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import {
  DeltaDiscoveryResponseSchema,
  DiscoveryResponseSchema,
  ResourceSchema,
} from "@xebec/api-envoy/envoy/service/discovery/v3/discovery";
import type { EncodedResource } from "@xebec/pilot-xds-gen";

const sotw = DiscoveryResponseSchema.field;
const SOTW = {
  version: sotw.versionInfo.number,
  resources: sotw.resources.number,
  typeUrl: sotw.typeUrl.number,
  nonce: sotw.nonce.number,
};
const delta = DeltaDiscoveryResponseSchema.field;
const DELTA = {
  systemVersion: delta.systemVersionInfo.number,
  resources: delta.resources.number,
  typeUrl: delta.typeUrl.number,
  nonce: delta.nonce.number,
  removed: delta.removedResources.number,
};
const { version, resource, name } = ResourceSchema.field;
const RESOURCE = { version: version.number, resource: resource.number, name: name.number };
const ANY = { typeUrl: AnySchema.field.typeUrl.number, value: AnySchema.field.value.number };
const LENGTH_DELIMITED = 2;

const tag = (field: number): number => (field << 3) | LENGTH_DELIMITED;
const typeUrlBytes = new Map<string, Buffer>();

function urlBytes(typeUrl: string): Buffer {
  let bytes = typeUrlBytes.get(typeUrl);
  if (!bytes) {
    bytes = Buffer.from(typeUrl);
    typeUrlBytes.set(typeUrl, bytes);
  }
  return bytes;
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 127; rest >>>= 7) size++;
  return size;
}

/** A length-delimited field's whole size. All field numbers here take one byte. */
const fieldSize = (length: number): number => 1 + varintSize(length) + length;

/** Writes protobuf fields into one buffer whose size is known beforehand: each byte is copied once. */
class Assembler {
  readonly buffer: Buffer;
  #at = 0;

  constructor(size: number) {
    this.buffer = Buffer.allocUnsafe(size);
  }

  head(field: number, length: number): this {
    this.buffer[this.#at++] = tag(field);
    let rest = length;
    while (rest > 127) {
      this.buffer[this.#at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.buffer[this.#at++] = rest;
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.buffer.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  bytes(field: number, bytes: Uint8Array): this {
    return this.head(field, bytes.length).raw(bytes);
  }

  text(field: number, text: string, length: number): this {
    this.head(field, length);
    this.buffer.write(text, this.#at, "utf8");
    this.#at += length;
    return this;
  }
}

/** A message whose size is known, and which is put together when it is certain that it is sent. */
export interface Draft {
  readonly size: number;
  bytes(): Buffer;
}

/**
 * Puts a DiscoveryResponse together from the resources' own bytes, without decoding any.
 * @param version the set's version
 */
export function discoveryResponse(
  typeUrl: string,
  resources: readonly EncodedResource[],
  version: string,
  nonce: string,
): Draft {
  const url = urlBytes(typeUrl);
  const anySize = (each: EncodedResource): number => fieldSize(url.length) + fieldSize(each.bytes.length);
  let size = fieldSize(version.length) + fieldSize(url.length) + fieldSize(nonce.length);
  for (const each of resources) size += fieldSize(anySize(each));
  const bytes = (): Buffer => {
    const out = new Assembler(size);
    out.text(SOTW.version, version, version.length);
    for (const each of resources)
      out.head(SOTW.resources, anySize(each)).bytes(ANY.typeUrl, url).bytes(ANY.value, each.bytes);
    out.bytes(SOTW.typeUrl, url).text(SOTW.nonce, nonce, nonce.length);
    return out.buffer;
  };
  return { size, bytes };
}

/** The Delta form: each resource with name and version of its own, and the names that are gone. */
export function deltaResponse(
  typeUrl: string,
  resources: readonly EncodedResource[],
  removed: readonly string[],
  version: string,
  nonce: string,
): Draft {
  const url = urlBytes(typeUrl);
  const writer = new BinaryWriter();
  writer.uint32(tag(DELTA.systemVersion)).string(version);
  writer.uint32(tag(DELTA.typeUrl)).bytes(url);
  writer.uint32(tag(DELTA.nonce)).string(nonce);
  for (const name of removed) writer.uint32(tag(DELTA.removed)).string(name);
  const head = writer.finish();
  const nameSize = (each: EncodedResource): number => Buffer.byteLength(each.name);
  const anySize = (each: EncodedResource): number => fieldSize(url.length) + fieldSize(each.bytes.length);
  const resourceSize = (each: EncodedResource): number =>
    fieldSize(each.version.length) + fieldSize(anySize(each)) + fieldSize(nameSize(each));
  let size = head.length;
  for (const each of resources) size += fieldSize(resourceSize(each));
  const bytes = (): Buffer => {
    const out = new Assembler(size).raw(head);
    for (const each of resources)
      out
        .head(DELTA.resources, resourceSize(each))
        .text(RESOURCE.version, each.version, each.version.length)
        .head(RESOURCE.resource, anySize(each))
        .bytes(ANY.typeUrl, url)
        .bytes(ANY.value, each.bytes)
        .text(RESOURCE.name, each.name, nameSize(each));
    return out.buffer;
  };
  return { size, bytes };
}
