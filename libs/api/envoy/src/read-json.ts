import { type DescMessage, fromJson, type JsonValue, type MessageShape, type Registry } from "@bufbuild/protobuf";

/** What is wrong with a user's Envoy JSON, in words for whoever wrote it. */
export class EnvoyJsonError extends Error {}

/**
 * Reads a message in protobuf's JSON form as users write it, with `@type` in each Any.
 * @param options.strict true: fields that the message does not have are errors, too; otherwise they are left out, as in Istio
 * @throws EnvoyJsonError that names the field
 */
export function readEnvoyJson<T extends DescMessage>(
  schema: T,
  value: unknown,
  registry: Registry,
  { strict = false }: { readonly strict?: boolean } = {},
): MessageShape<T> {
  try {
    return fromJson(schema, value as JsonValue, { registry, ignoreUnknownFields: !strict });
  } catch (error) {
    throw new EnvoyJsonError(reasonOf(schema, value, error instanceof Error ? error.message : String(error), registry));
  }
}

const UNKNOWN_TYPE = /type\.googleapis\.com\/([\w.]+)/;

function reasonOf(schema: DescMessage, value: unknown, message: string, registry: Registry): string {
  const text = message.replace(/^cannot decode /, "").replaceAll(" from JSON", "");
  const [, type] = UNKNOWN_TYPE.exec(message) ?? [];
  if (type === undefined || !/not in the type registry|cannot (find|resolve)/.test(message))
    return `${fieldIn(schema, value, registry)}${text}`;
  return /\.v2(alpha\d*)?\.|^envoy\.api\.v2\b/.test(type)
    ? `the type ${type} is one of Envoy's API v2, which no Envoy takes any more; write that of v3`
    : `the type ${type} is not known; write xds.type.v3.TypedStruct with type_url and value for one of another Envoy`;
}

/** The first field that cannot be read by itself, with a colon behind it: messages name types alone where those are well known. */
function fieldIn(schema: DescMessage, value: unknown, registry: Registry): string {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return "";
  for (const [name, each] of Object.entries(value))
    try {
      fromJson(schema, { [name]: each as JsonValue }, { registry, ignoreUnknownFields: true });
    } catch {
      return `${name}: `;
    }
  return "";
}
