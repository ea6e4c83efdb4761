import { mergeFromBinary, toJson } from "@bufbuild/protobuf";
import { loadWholeApi, readEnvoyJson } from "@xebec/api-envoy";
import { BootstrapSchema } from "@xebec/api-envoy/envoy/config/bootstrap/v3/bootstrap";

/**
 * Merges a patch into a bootstrap, as protobuf merges: what is set replaces, messages are merged, lists are joined. It loads Envoy's
 * whole API.
 * @param bootstrap in proto3 JSON
 * @param patch an encoded Bootstrap
 * @returns proto3 JSON
 * @throws Error for a patch with a type that nobody knows
 */
export async function mergedBootstrap(
  bootstrap: Readonly<Record<string, unknown>>,
  patch: Uint8Array,
): Promise<Readonly<Record<string, unknown>>> {
  const registry = await loadWholeApi();
  const message = readEnvoyJson(BootstrapSchema, bootstrap, registry);
  mergeFromBinary(BootstrapSchema, message, patch);
  return toJson(BootstrapSchema, message, { registry, useProtoFieldName: true }) as Readonly<Record<string, unknown>>;
}
