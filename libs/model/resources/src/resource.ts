import { XebecError } from "@xebec/core-errors";

/** Where an object was read: shown in errors and conditions. */
export interface SourceLocation {
  /** A file path, or `kubernetes`, `mcp:<server>`. */
  readonly source: string;
  /** First line of the object in its file, from 1. */
  readonly line?: number;
}

/**
 * A configuration object as all services see it: one Kubernetes object, whatever its source was. It is the value of a key in
 * the bucket `config` (JSON, UTF-8).
 */
export interface Resource<S = unknown> {
  /** API group, `networking.istio.io`; empty for Kubernetes' core group. */
  readonly group: string;
  /** API version without the group, `v1alpha3`. Versions of a kind share one schema. */
  readonly version: string;
  readonly kind: string;
  /** Empty for kinds without namespace. */
  readonly namespace: string;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** RFC 3339; a file's objects get the time when they were first seen. */
  readonly creationTimestamp?: string;
  /** Changes with the spec; counted by the source. */
  readonly generation?: number;
  readonly origin?: SourceLocation;
  readonly spec: S;
}

/** The kind without its version: `networking.istio.io/VirtualService`, or `/Service` in Kubernetes' core group. */
export function collectionOf(resource: Pick<Resource, "group" | "kind">): string {
  return `${resource.group}/${resource.kind}`;
}

/** The identity of an object over all versions of its kind: `networking.istio.io/VirtualService/default/reviews`. */
export function keyOf(resource: Pick<Resource, "group" | "kind" | "namespace" | "name">): string {
  return `${resource.group}/${resource.kind}/${resource.namespace}/${resource.name}`;
}

/** Takes a key of `keyOf` apart. */
export function parseKey(key: string): { group: string; kind: string; namespace: string; name: string } {
  const parts = key.split("/");
  if (parts.length !== 4) throw new XebecError("invalid_argument", `"${key}" is not an object key`);
  const [group, kind, namespace, name] = parts as [string, string, string, string];
  return { group, kind, namespace, name };
}

/** Encodes an object for the bus. Equal objects give equal bytes when their fields were made in the same order. */
export function encodeResource(resource: Resource): Uint8Array {
  return Buffer.from(JSON.stringify(resource));
}

/** @throws XebecError data_loss when the bytes are no resource */
export function decodeResource(bytes: Uint8Array): Resource {
  try {
    const value = JSON.parse(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"),
    ) as Resource;
    if (typeof value.kind === "string" && typeof value.name === "string" && value.spec !== undefined) return value;
  } catch (error) {
    throw new XebecError("data_loss", "a value of the bucket `config` is not JSON", { cause: error });
  }
  throw new XebecError("data_loss", "a value of the bucket `config` is not a resource");
}
