import { didYouMean } from "@xebec/core-errors";
import type { TSchema } from "typebox";
import { Value } from "typebox/value";
import { notServed } from "./not-served.ts";

/** A fault in an object: where, and what is wrong. */
export interface Violation {
  /** Path in the object as users write it: `spec.http[0].route[1].weight`. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

interface Node {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | TSchema;
  readonly patternProperties?: Readonly<Record<string, TSchema>>;
  readonly items?: TSchema;
  readonly anyOf?: readonly { readonly const?: unknown }[];
  readonly minLength?: number;
  readonly minItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  /** Fields, or words of an enumeration, that are known and not served, with what to write instead. */
  readonly notServed?: Readonly<Record<string, string>>;
  /** What is said when one of these fields is left out, where that means more than a mistake. */
  readonly missing?: Readonly<Record<string, string>>;
}

/** Depth at which checking stops: deeper input is a fault, not work. */
const MAX_DEPTH = 64;

/** Shows a path as users write it; absent parts are left out. */
export function pathText(path: readonly (string | number)[]): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(part)) text += text ? `.${part}` : part;
    else text += `["${part}"]`;
  }
  return text;
}

/**
 * Checks a value against a kind's schema and says what is wrong in words. Protobuf's other spelling of a field
 * (`retry_on` for `retryOn`) is accepted and replaced by the usual one, as Istio does.
 * @returns the value with usual field names, and every violation
 */
export function checkStructure(
  schema: TSchema,
  value: unknown,
  path: readonly (string | number)[] = ["spec"],
): { readonly value: unknown; readonly violations: readonly Violation[] } {
  const violations: Violation[] = [];
  return { value: walk(schema, value, path, violations), violations };
}

function walk(schema: TSchema, value: unknown, path: readonly (string | number)[], out: Violation[]): unknown {
  const node = schema as Node;
  if (path.length > MAX_DEPTH) {
    out.push({ path: path.slice(0, 8), message: `is nested more than ${MAX_DEPTH} levels deep` });
    return value;
  }
  if (node.type === "object") return walkObject(node, value, path, out);
  if (node.type === "array") {
    if (!Array.isArray(value)) out.push({ path, message: `must be a list, not ${kindOfValue(value)}` });
    else {
      if (value.length < (node.minItems ?? 0)) out.push({ path, message: "must not be empty" });
      return value.map((each, i) => walk(node.items as TSchema, each, [...path, i], out));
    }
    return value;
  }
  if (!Value.Check(schema, value)) out.push({ path, message: expectation(node, value) });
  return value;
}

function walkObject(node: Node, value: unknown, path: readonly (string | number)[], out: Violation[]): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    out.push({ path, message: `must be a map, not ${kindOfValue(value)}` });
    return value;
  }
  const properties = node.properties ?? {};
  const pattern = Object.entries(node.patternProperties ?? {})[0];
  const result: Record<string, unknown> = {};
  for (const [given, each] of Object.entries(value)) {
    const name = given in properties ? given : camelCase(given);
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
    const key = known ? name : given;
    if (known) {
      if (name !== given && Object.hasOwn(value, name))
        out.push({ path: [...path, given], message: `is given twice, also as ${name}` });
      // A field without value, `port:`, is the same as a field that is left out.
      else if (each !== null) result[key] = walk(known, each, [...path, name], out);
    } else if (pattern) {
      if (!new RegExp(pattern[0]).test(given)) out.push({ path: [...path, given], message: "is not a valid key here" });
      else result[key] = walk(pattern[1], each, [...path, given], out);
    } else if (node.additionalProperties === false) {
      const advice = node.notServed && Object.hasOwn(node.notServed, name) ? node.notServed[name] : undefined;
      const message = advice === undefined ? unknownField(given, node) : notServed(advice);
      out.push({ path: [...path, given], message });
    } else result[key] = each;
  }
  for (const name of node.required ?? [])
    if (
      !Object.hasOwn(result, name) &&
      !out.some((each) => each.path.length === path.length + 1 && each.path.at(-1) === name)
    )
      out.push({ path: [...path, name], message: node.missing?.[name] ?? "is required" });
  return result;
}

function expectation(node: Node, value: unknown): string {
  const literals = node.anyOf?.map((each) => each.const).filter((each) => each !== undefined);
  if (literals?.length && typeof value === "string" && Object.hasOwn(node.notServed ?? {}, value))
    return `${value} ${notServed(node.notServed?.[value])}`;
  if (literals?.length) return `must be one of ${literals.join(", ")}, not ${shown(value)}`;
  const type = node.type === "integer" ? "a whole number" : node.type === "string" ? "a text" : `a ${node.type}`;
  if (node.type === "string" && typeof value === "string") {
    if (value.length < (node.minLength ?? 0)) return "must not be empty";
    return `${shown(value)} has not the form that is expected (${node.pattern ?? "format"})`;
  }
  if (node.type === "string" && (typeof value === "boolean" || typeof value === "number"))
    return `must be a text, not ${shown(value)}; put it in quotes`;
  const range = rangeText(node.minimum, node.maximum);
  return `must be ${type}${range}, not ${shown(value)}`;
}

function rangeText(minimum: number | undefined, maximum: number | undefined): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return ` of at least ${minimum}`;
  return maximum === undefined ? "" : ` of at most ${maximum}`;
}

function kindOfValue(value: unknown): string {
  return value === null
    ? "empty"
    : Array.isArray(value)
      ? "a list"
      : typeof value === "object"
        ? "a map"
        : shown(value);
}

function shown(value: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    // Nested so deep that it cannot be written.
    return Array.isArray(value) ? "a list of lists" : "a map of maps";
  }
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function unknownField(given: string, node: Node): string {
  const known = Object.keys(node.properties ?? {});
  // What Istio has is a likely meaning, too, even if it is not served.
  const near = didYouMean(given, [...known, ...Object.keys(node.notServed ?? {})]);
  return `unknown field${near || (known.length <= 12 ? `; known are ${known.join(", ")}` : "")}`;
}
