import { TypedExtensionConfigSchema } from "@xebec/api-envoy/envoy/config/core/v3/extension";
import type { BuiltExtensionConfig } from "../build/built.ts";
import type { EncodedResource } from "./encoded.ts";
import { encodedResource } from "./resource.ts";
import { bytesOf } from "./wire.ts";

export function encodeExtensionConfig({ name, message, configKeys }: BuiltExtensionConfig): EncodedResource {
  return encodedResource(name, bytesOf(TypedExtensionConfigSchema, { name, typedConfig: message }), configKeys);
}
