import { fromBinary, type Message, type Registry, toJson } from "@bufbuild/protobuf";
import type { EncodedResource } from "./encoded.ts";

/** Envoy's whole API. Only debug pages and readers of EnvoyFilters need it; it takes a second to load. */
export { loadWholeApi as wholeApi } from "@xebec/api-envoy";

/** A resource as JSON; of one whose bytes only its client has, the version. */
export function decoded(typeUrl: string, { bytes, version }: EncodedResource, registry: Registry): unknown {
  const typeName = typeUrl.replace("type.googleapis.com/", "");
  const schema = registry.getMessage(typeName);
  if (!schema || bytes.length === 0) return { "@type": typeUrl, version };
  const message: Message = fromBinary(schema, bytes);
  return { "@type": typeUrl, ...(toJson(schema, message, { registry, useProtoFieldName: true }) as object) };
}
