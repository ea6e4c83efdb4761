import type { DescField, DescMessage, Registry } from "@bufbuild/protobuf";
import { type Json, object, string } from "./dump.ts";

/** Messages whose JSON is not that of their fields. */
const WELL_KNOWN = /^google\.protobuf\.(?!Any$)/;
const PREFIX = "type.googleapis.com/";

/**
 * A message of Envoy's dump with the field names of protobuf's JSON, `filterChains`, as istioctl prints it: the scripts of its users read
 * these. Keys of maps and of metadata stay as they are.
 * @param typeName its full name; of a type that the registry does not know nothing is renamed
 */
export function protoJson(message: Json, typeName: string, registry: Registry): Json {
  const schema = registry.getMessage(typeName);
  return schema ? (ofMessage(message, schema, registry) as Json) : message;
}

function ofMessage(value: unknown, schema: DescMessage, registry: Registry): unknown {
  const fields = object(value);
  if (!fields || WELL_KNOWN.test(schema.typeName)) return value;
  if (schema.typeName === "google.protobuf.Any") return ofAny(fields, registry);
  const renamed: Record<string, unknown> = {};
  for (const [name, each] of Object.entries(fields)) {
    const field = fieldOf(schema, name);
    renamed[field?.jsonName ?? camelCase(name)] = field ? ofField(each, field, registry) : each;
  }
  return renamed;
}

function ofField(value: unknown, field: DescField, registry: Registry): unknown {
  const { message } = field;
  if (!message) return value;
  if (Array.isArray(value)) return value.map((each) => ofMessage(each, message, registry));
  if (field.fieldKind !== "map") return ofMessage(value, message, registry);
  const entries = Object.entries(object(value) ?? {});
  return Object.fromEntries(entries.map(([key, each]) => [key, ofMessage(each, message, registry)]));
}

function ofAny(any: Json, registry: Registry): Json {
  const { "@type": url, ...rest } = any;
  const schema = registry.getMessage(string(url).replace(PREFIX, ""));
  if (!schema) return any;
  return { "@type": url, ...(ofMessage(rest, schema, registry) as Json) };
}

const fieldsByName = new WeakMap<DescMessage, Map<string, DescField>>();

function fieldOf(schema: DescMessage, name: string): DescField | undefined {
  const known = fieldsByName.get(schema);
  const fields = known ?? new Map(schema.fields.map((each) => [each.name, each]));
  if (!known) fieldsByName.set(schema, fields);
  return fields.get(name);
}

/** The JSON name of a field that this copy of Envoy's API does not know yet. */
function camelCase(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
