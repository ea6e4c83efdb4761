// Patches for tests, and what proxies get with them.
import type { DescMessage } from "@bufbuild/protobuf";
import { ClusterSchema } from "@xebec/api-envoy/envoy/config/cluster/v3/cluster";
import { ListenerSchema } from "@xebec/api-envoy/envoy/config/listener/v3/listener";
import { RouteConfigurationSchema } from "@xebec/api-envoy/envoy/config/route/v3/route";
import type { EncodedResource } from "../encode/encoded.ts";
import { Generator } from "../engine/generator.ts";
import type { MeshProxy } from "../scope/proxy.ts";
import type { Scope } from "../scope/scope.ts";
import { type Json, jsonOf, proxy, service, snapshotOf } from "../small-mesh.testkit.ts";
import type { Patch, PatchSource } from "./patch.ts";

/** A sidecar of `reviews`, which calls `ratings` by HTTP and `db` by TCP. */
export const SIDECAR = proxy({ LABELS: { app: "reviews" } }, "sidecar~10.0.0.1~reviews-1.default~x");
export const RECORDS = [
  ...service("reviews"),
  ...service("ratings"),
  ...service("db", { ports: { "tcp-db": 27017 } }),
  ...service("other"),
];
export const KEY = "networking.istio.io/EnvoyFilter/default/patch";

export const host = (name: string): string => `${name}.default.svc.cluster.local`;
export const cluster = (name: string, port = 9080): string => `outbound|${port}||${host(name)}`;

/** A source of these patches, for all classes. */
export function sourceOf(...patches: readonly Patch<Scope>[]): PatchSource<Scope> {
  return { patches: (_scope, point) => patches.filter((each) => each.at[point]) };
}

/** What a patch of some points does, in the name of `KEY`. */
export function patchOf(at: Patch<Scope>["at"], configKey = KEY): Patch<Scope> {
  return { configKey, at };
}

/** A generator for a mesh with these patches. */
export function generatorWith(...patches: readonly Patch<Scope>[]): Generator {
  return new Generator(snapshotOf([], RECORDS), [sourceOf(...patches)]);
}

const SCHEMAS = {
  cluster: ClusterSchema,
  listener: ListenerSchema,
  route: RouteConfigurationSchema,
} as const satisfies Record<string, DescMessage>;

/** A resource of a proxy by its name; undefined where there is none. */
export function resource(
  generator: Generator,
  type: keyof typeof SCHEMAS,
  name: string,
  client: MeshProxy = SIDECAR,
): EncodedResource | undefined {
  const names = type === "route" ? { key: name, names: [name] } : undefined;
  return generator.resources(type, client, generator.proxyClass(client), names).resources.get(name);
}

/** The same in Envoy's JSON. */
export function json(generator: Generator, type: keyof typeof SCHEMAS, name: string, client?: MeshProxy): Json {
  const found = resource(generator, type, name, client);
  return found && jsonOf(SCHEMAS[type], found.bytes);
}
