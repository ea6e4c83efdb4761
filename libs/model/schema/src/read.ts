import type { TSchema } from "typebox";
import { Finding } from "./finding.ts";
import { nodeOf, notSupported, type SchemaNode } from "./node.ts";
import { readScalar } from "./scalar.ts";
import type { Path, Violation } from "./violation.ts";
import { describeValue, showValue, unknownField } from "./wording.ts";

/** Depth at which reading stops: deeper input is an error, not work. */
const MAX_DEPTH = 64;

/**
 * Reads a value of protobuf's JSON form by its schema: field names in camelCase or snake_case, enums by name or number, integers
 * also as strings, null for an absent field (https://protobuf.dev/programming-guides/json/). Whoever reads the result meets one
 * form only: names in camelCase, enums by name, numbers as numbers, no null.
 * @param path where the value is, for violations
 * @returns the value in its usual form, and every violation of the schema; with violations the value is not to be used
 */
export function readProtoJson(
  schema: TSchema,
  value: unknown,
  path: Path = [],
): { readonly value: unknown; readonly violations: readonly Violation[] } {
  const found = new Finding();
  return { value: read(nodeOf(schema), value, path, found), violations: found.violations };
}

function read(node: SchemaNode, value: unknown, path: Path, found: Finding): unknown {
  if (path.length > MAX_DEPTH) {
    found.add(path.slice(0, 8), `is nested more than ${MAX_DEPTH} levels deep`);
    return value;
  }
  if (node.anyOf) return readUnion(node.anyOf, value, path, found);
  if (node.const !== undefined) {
    if (value !== node.const) found.add(path, `must be ${showValue(node.const)}, not ${showValue(value)}`);
    return value;
  }
  switch (node.type) {
    case undefined:
      return value;
    case "object":
      return readObject(node, value, path, found);
    case "array":
      return readList(node, value, path, found);
    default:
      return readScalar(node, value, path, found);
  }
}

/** The first alternative that fits; where none does, what is wrong by the first one. */
function readUnion(alternatives: readonly SchemaNode[], value: unknown, path: Path, found: Finding): unknown {
  let first: Finding | undefined;
  for (const each of alternatives) {
    const own = new Finding();
    const result = read(each, value, path, own);
    if (own.violations.length === 0) return result;
    first ??= own;
  }
  for (const each of first?.violations ?? []) found.add(each.path, each.message);
  return value;
}

function readList(node: SchemaNode, value: unknown, path: Path, found: Finding): unknown {
  if (!Array.isArray(value)) {
    found.add(path, `must be a list, not ${describeValue(value)}`);
    return value;
  }
  if (value.length < (node.minItems ?? 0)) found.add(path, "must not be empty");
  const { items } = node;
  return items ? value.map((each, i) => read(items, each, [...path, i], found)) : value;
}

function readObject(node: SchemaNode, value: unknown, path: Path, found: Finding): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    found.add(path, `must be a map, not ${describeValue(value)}`);
    return value;
  }
  const entries = node.patternProperties ? readMap(node, value, path, found) : readFields(node, value, path, found);
  // Own properties, whatever their names: an assignment to `__proto__` would be lost.
  const result = Object.fromEntries(entries);
  for (const name of node.required ?? [])
    if (!Object.hasOwn(result, name) && !found.hasAt(path, name))
      found.add([...path, name], node.whenAbsent?.[name] ?? "is required");
  return result;
}

function readMap(node: SchemaNode, value: object, path: Path, found: Finding): [string, unknown][] {
  const [[pattern, values] = ["", {}]] = Object.entries(node.patternProperties ?? {});
  const keys = patternOf(pattern);
  const entries: [string, unknown][] = [];
  for (const [key, each] of Object.entries(value))
    if (!keys.test(key)) found.add([...path, key], "is not a valid key here");
    else entries.push([key, read(values, each, [...path, key], found)]);
  return entries;
}

function readFields(node: SchemaNode, value: object, path: Path, found: Finding): [string, unknown][] {
  const properties = node.properties ?? {};
  const entries: [string, unknown][] = [];
  for (const [given, each] of Object.entries(value)) {
    const name = Object.hasOwn(properties, given) ? given : camelCase(given);
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (known) {
      if (name !== given && Object.hasOwn(value, name)) found.add([...path, given], `is set twice, also as ${name}`);
      // A field without value, `port:`, is the same as an absent one.
      else if (each !== null) entries.push([name, read(known, each, [...path, name], found)]);
    } else if (node.additionalProperties === false) {
      const advice = node.unsupported && Object.hasOwn(node.unsupported, name) ? node.unsupported[name] : undefined;
      // What is not supported and has no value is absent all the same.
      if (advice === undefined) found.add([...path, given], unknownField(given, node));
      else if (each !== null) found.add([...path, given], notSupported(advice));
    } else entries.push([given, each]);
  }
  return entries;
}

const patterns = new Map<string, RegExp>();

/** Patterns come from schemas only, so their number is bounded. */
function patternOf(source: string): RegExp {
  let pattern = patterns.get(source);
  if (!pattern) {
    pattern = new RegExp(source, "s");
    patterns.set(source, pattern);
  }
  return pattern;
}

/** Protobuf's own name of a field as its JSON name: `retry_on` is `retryOn`. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
