// A few services and rules, and what comes of them in Envoy's own JSON form. For tests.
import { type DescMessage, fromBinary, toJson } from "@bufbuild/protobuf";
import { loadWholeApi } from "@xebec/api-envoy";
import { registry } from "@xebec/api-envoy/registry";
import type { Snapshot } from "@xebec/pilot-snapshot";
import { ResourceCache } from "./engine/resource-cache.ts";
import { type MeshProxy, proxyOf } from "./scope/proxy.ts";
import { classOf } from "./scope/proxy-class.ts";
import { Scope } from "./scope/scope.ts";

await loadWholeApi();

export { object, service, snapshotOf } from "@xebec/pilot-snapshot/testkit";

// biome-ignore lint/suspicious/noExplicitAny: JSON of any message
export type Json = any;

/** A sidecar of the namespace `default`, unless something else is said. */
export function proxy(metadata: Record<string, unknown> = {}, id = "sidecar~10.0.0.7~client.default~x"): MeshProxy {
  return proxyOf({ id, metadata, locality: "" });
}

/** A scope as the builders get it. @param reads gets the dependency keys */
export function scopeOf(snapshot: Snapshot, each: MeshProxy = proxy(), reads?: Set<string>): Scope {
  return new Scope({ snapshot, cache: new ResourceCache(), patches: [] }, classOf(each, snapshot), reads);
}

/** Encoded bytes as Envoy's JSON. */
export function jsonOf(schema: DescMessage, bytes: Uint8Array): Json {
  return toJson(schema, fromBinary(schema, bytes), { registry, useProtoFieldName: true });
}
