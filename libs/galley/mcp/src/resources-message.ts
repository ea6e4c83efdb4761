import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { EncodedObject } from "./object.ts";

/** Numbers of the fields of istio.mcp.v1alpha1.Resources (docs/reference/platform.md §3.4). */
const FIELD = { version: 1, collection: 2, resources: 3, removed: 4, nonce: 5, incremental: 6 };

export interface ResourcesMessage {
  readonly version: string;
  readonly collection: string;
  readonly objects: readonly EncodedObject[];
  readonly removed: readonly string[];
  readonly nonce: string;
  readonly incremental: boolean;
}

/** The bytes of a message Resources; those of its objects were made before. */
export function resourcesMessage(message: ResourcesMessage): Uint8Array {
  const { version, collection, objects, removed, nonce, incremental } = message;
  const writer = new BinaryWriter();
  const text = (field: number, value: string): void => {
    if (value !== "") writer.tag(field, WireType.LengthDelimited).string(value);
  };
  text(FIELD.version, version);
  text(FIELD.collection, collection);
  for (const { bytes } of objects) writer.tag(FIELD.resources, WireType.LengthDelimited).bytes(bytes);
  for (const name of removed) writer.tag(FIELD.removed, WireType.LengthDelimited).string(name);
  text(FIELD.nonce, nonce);
  if (incremental) writer.tag(FIELD.incremental, WireType.Varint).bool(true);
  return writer.finish();
}
