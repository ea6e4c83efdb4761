import { parseGoDuration } from "@xebec/model-attributes";
import { type TSchema, Type } from "typebox";
import { Value } from "typebox/value";

/** A google.protobuf.Duration in configuration: text such as `5s`, `1.5h`, `300ms`. */
export const Duration = Type.String({ description: "a duration such as 5s or 1h30m", format: "go-duration" });

/** An enumeration in configuration: its value's name; numbers are names in order. */
export function Enum<const V extends readonly string[]>(values: V) {
  return Type.Unsafe<V[number]>({ anyOf: values.map((each) => ({ const: each })) });
}

/** Milliseconds of a configured duration. @throws TypeError for text that is none; `readParams` has refused it before */
export function durationMs(text: string): number {
  const nanos = parseGoDuration(text);
  if (nanos === undefined) throw new TypeError(`${text} is no duration`);
  return Number(nanos) / 1e6;
}

export interface Violation {
  /** `params.quotas[0].maxAmount`; empty for the whole. */
  readonly path: string;
  readonly message: string;
}

interface Shape {
  readonly type?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly patternProperties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape;
  readonly anyOf?: readonly { readonly const?: unknown }[];
}

/**
 * Reads parameters as protobuf's JSON form has them: names in snake_case or camelCase, enumerations by name or number,
 * integers also as text, null as left out.
 * @returns the parameters in the schema's form, and what is wrong with them
 */
export function readParams(schema: TSchema, raw: unknown): { value: unknown; violations: Violation[] } {
  const violations: Violation[] = [];
  const value = convert(schema as Shape, raw ?? {}, "", violations);
  if (violations.length > 0) return { value, violations };
  for (const error of Value.Errors(schema, value)) {
    if (error.keyword === "boolean" || error.keyword === "const") continue;
    const path = error.instancePath
      .replace(/\/(\d+)(?=\/|$)/g, "[$1]")
      .replaceAll("/", ".")
      .replace(/^\./, "");
    const extra = (error.params as { additionalProperties?: string[] }).additionalProperties;
    const message = extra ? `unknown field ${extra.map((each) => `"${each}"`).join(", ")}` : error.message;
    violations.push({
      path,
      message: error.keyword === "anyOf" ? `must be one of ${choices(schema as Shape, path)}` : message,
    });
  }
  return { value, violations };
}

/**
 * Fills in what parameters leave out, also inside of messages: a status with a message alone keeps the code of its default.
 * Lists and maps are taken whole, as protobuf's JSON form does.
 * @param given parameters that `readParams` found valid
 */
export function withDefaults(schema: TSchema, defaults: object | undefined, given: object): object {
  const { properties = {} } = schema as Shape;
  const out: Record<string, unknown> = { ...defaults, ...given };
  for (const [key, inner] of Object.entries(properties)) {
    const [preset, own] = [(defaults as Record<string, unknown> | undefined)?.[key], (given as typeof out)[key]];
    if (inner.properties && preset && own) out[key] = withDefaults(inner as TSchema, preset, own);
  }
  return out;
}

function convert(schema: Shape, raw: unknown, path: string, faults: Violation[]): unknown {
  if (schema.anyOf && typeof raw === "number") return schema.anyOf[raw]?.const ?? raw;
  if ((schema.type === "integer" || schema.type === "number") && typeof raw === "string") {
    const number = Number(raw);
    return raw.trim() !== "" && !Number.isNaN(number) ? number : raw;
  }
  if (schema.format === "go-duration") {
    if (typeof raw !== "string" || parseGoDuration(raw) === undefined)
      faults.push({ path, message: `${JSON.stringify(raw)} is no duration; write for example 5s or 1h30m` });
    return raw;
  }
  if (Array.isArray(raw)) {
    const items = schema.items;
    return items ? raw.map((each, i) => convert(items, each, `${path}[${i}]`, faults)) : raw;
  }
  if (typeof raw !== "object" || raw === null) return raw;
  const out: Record<string, unknown> = {};
  const values = schema.patternProperties && Object.values(schema.patternProperties)[0];
  for (const [name, each] of Object.entries(raw)) {
    if (each === null) continue;
    const key = schema.properties ? (camel(name, schema.properties) ?? name) : name;
    const inner = values ?? schema.properties?.[key];
    out[key] = inner ? convert(inner, each, path ? `${path}.${key}` : key, faults) : each;
  }
  return out;
}

function camel(name: string, properties: Readonly<Record<string, Shape>>): string | undefined {
  if (Object.hasOwn(properties, name)) return name;
  const key = name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  return Object.hasOwn(properties, key) ? key : undefined;
}

function choices(schema: Shape, path: string): string {
  let at: Shape | undefined = schema;
  for (const step of path.split(/[.[\]]+/).filter(Boolean))
    at = at?.properties?.[step] ?? at?.items ?? (at?.patternProperties && Object.values(at.patternProperties)[0]);
  return (at?.anyOf ?? []).map((each) => String(each.const)).join(", ");
}
