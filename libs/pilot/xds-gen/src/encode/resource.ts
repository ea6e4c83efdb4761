import type { PatchError } from "../patch/patch-error.ts";
import { contentHash, type EncodedResource } from "./encoded.ts";

/** A resource of these bytes. @param errors patches that were left out */
export function encodedResource(
  name: string,
  bytes: Uint8Array,
  configKeys: readonly string[],
  errors: readonly PatchError[] = [],
): EncodedResource {
  const resource = { name, version: contentHash(bytes), bytes, configKeys };
  return errors.length > 0 ? { ...resource, patchErrors: errors } : resource;
}
