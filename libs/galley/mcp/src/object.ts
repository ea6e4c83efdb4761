import { hash } from "node:crypto";
import { create, fromBinary, fromJson, type JsonObject, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { AnySchema, timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Resource as McpResource, MetadataSchema, ResourceSchema } from "@xebec/api-mesh/istio/mcp/v1alpha1/mcp";
import { DestinationRuleSchema } from "@xebec/api-mesh/istio/networking/v1alpha3/destination_rule";
import { RuleSchema } from "@xebec/api-mesh/istio/policy/v1beta1/cfg";
import { XebecError } from "@xebec/core-errors";
import type { Resource } from "@xebec/model-resources";
import type { Collection } from "./collections.ts";
import { withProtoDurations } from "./durations.ts";

/** An object as it is sent. */
export interface EncodedObject {
  /** `NAMESPACE/NAME`, or `NAME` of what has no namespace. */
  readonly name: string;
  /** Of its content: replicas of galley, and a galley that starts again, give the same object the same version. */
  readonly version: string;
  /** A message istio.mcp.v1alpha1.Resource. */
  readonly bytes: Uint8Array;
}

const TYPES = "type.googleapis.com/";
/** Characters of a version: enough that two versions of an object are not taken for each other. */
const VERSION_LENGTH = 16;
/** Longest name of an object with its namespace: Kubernetes allows 253 and 63. */
const MAX_NAME = 320;

/** An object as a message of its collection. Fields that Istio's message has not are left out. */
export function encodeObject({ kind, body }: Collection, resource: Resource): EncodedObject {
  const { namespace, name: shortName, labels = {}, annotations = {}, creationTimestamp, spec } = resource;
  // In Istio 1.1 this kind has no namespace.
  const isClusterScoped = namespace === "" || kind?.kind === "MeshPolicy";
  const name = isClusterScoped ? shortName : `${namespace}/${shortName}`;
  const message = fromJson(body, withProtoDurations(body, messageSpec(body, spec)) as JsonValue, {
    ignoreUnknownFields: true,
  });
  const value = toBinary(body, message);
  const version = hash("sha1", Buffer.concat([Buffer.from(JSON.stringify([labels, annotations])), value]), "hex");
  const created = creationTimestamp === undefined ? undefined : new Date(creationTimestamp);
  const metadata = create(MetadataSchema, {
    ...{ name, version: version.slice(0, VERSION_LENGTH), labels: { ...labels }, annotations: { ...annotations } },
    ...(created && Number.isFinite(created.getTime()) ? { createTime: timestampFromDate(created) } : {}),
  });
  const any = create(AnySchema, { typeUrl: `${TYPES}${body.typeName}`, value });
  return {
    name,
    version: metadata.version,
    bytes: toBinary(ResourceSchema, create(ResourceSchema, { metadata, body: any })),
  };
}

/**
 * An object of a collection as users write it: validation reads it like any other.
 * @throws XebecError invalid_argument when the message is not one of the collection's, or has no usable name
 */
export function decodeObject({ name: collection, kind, body }: Collection, resource: McpResource): JsonObject {
  const { metadata, body: any } = resource;
  const fullName = metadata?.name ?? "";
  const parts = fullName.split("/");
  if (fullName === "" || fullName.length > MAX_NAME || parts.length > 2 || parts.includes(""))
    throw new XebecError("invalid_argument", `${collection}: "${fullName}" is not a name, NAMESPACE/NAME or NAME`);
  if (!kind)
    throw new XebecError("invalid_argument", `${collection}: ${fullName}: objects of this collection are not read`);
  // Galley 1.1 has some type URLs with the prefix twice.
  const type = any?.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1);
  if (type !== body.typeName)
    throw new XebecError(
      "invalid_argument",
      `${collection}: ${fullName}: the body is a ${type}, not a ${body.typeName}`,
    );
  const namespace = parts.length === 2 ? parts[0] : undefined;
  const { createTime, labels = {}, annotations = {} } = metadata ?? {};
  return {
    apiVersion: `${kind.group}/${kind.versions[0]}`,
    kind: kind.kind,
    metadata: {
      name: parts.at(-1) as string,
      ...(namespace === undefined ? {} : { namespace }),
      ...(Object.keys(labels).length > 0 ? { labels } : {}),
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
      ...(createTime ? { creationTimestamp: timestampDate(createTime).toISOString() } : {}),
    },
    spec: decodeBody(collection, fullName, body, any?.value ?? new Uint8Array()),
  };
}

/** A rule of Mixer's may have its condition under an older name, which no message has. */
function messageSpec(body: Collection["body"], spec: unknown): unknown {
  if (body !== RuleSchema) return spec;
  const { selector, ...rule } = spec as { readonly selector?: string; readonly match?: string };
  return selector === undefined || rule.match !== undefined ? rule : { ...rule, match: selector };
}

function decodeBody(collection: string, name: string, body: Collection["body"], bytes: Uint8Array): JsonValue {
  try {
    const spec = toJson(body, fromBinary(body, bytes));
    // Today's number of this policy; Istio 1.1's is 0.
    return body === DestinationRuleSchema ? renamed(spec, "TODAYS_ROUND_ROBIN", "ROUND_ROBIN") : spec;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new XebecError("invalid_argument", `${collection}: ${name}: the body is not a ${body.typeName}: ${why}`, {
      cause: error,
    });
  }
}

function renamed(value: JsonValue, from: string, to: string): JsonValue {
  const text = JSON.stringify(value);
  return text.includes(from) ? (JSON.parse(text.replaceAll(`"${from}"`, `"${to}"`)) as JsonValue) : value;
}
