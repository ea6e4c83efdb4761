import { TemplateError } from "./template-error.ts";

/**
 * A text that a function made in the syntax of the output (`toJson`, `toYaml`, `quote`): it stands there as it is. Any other text is a
 * value, and the output decides how a value is written.
 */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A map, as far as templates know one. */
export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof Markup);
}

/** Go's truth: zero, empty and absent values are false. */
export function isTrue(value: unknown): boolean {
  if (value instanceof Markup) return value.text.length > 0;
  if (Array.isArray(value)) return value.length > 0;
  if (isFields(value)) {
    for (const _ in value) return true;
    return false;
  }
  return Boolean(value);
}

/** A value as Go's fmt prints it. What is absent is empty: Go writes `<no value>`, which is never meant. */
export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === undefined || value === null) return "";
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return `[${value.map(textOf).join(" ")}]`;
  if (isFields(value))
    return `map[${sortedKeys(value)
      .map((key) => `${key}:${textOf(value[key])}`)
      .join(" ")}]`;
  return String(value);
}

/** Go goes through maps in the order of their keys. */
export function sortedKeys(map: Fields): string[] {
  const keys = Object.keys(map);
  return keys.length < 2 ? keys : keys.sort((a, b) => (a < b ? -1 : 1));
}

/** Whether Go's `eq` holds. What is absent is like the empty text, which is what Go has for an absent field. */
export function isEqual(left: unknown, right: unknown): boolean {
  const [a, b] = [plain(left), plain(right)];
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || !a || !b) return false;
  return JSON.stringify(a) === JSON.stringify(b);
}

function plain(value: unknown): unknown {
  if (value === undefined || value === null) return "";
  return value instanceof Markup ? value.text : value;
}

/** @throws TemplateError when the two have no order */
export function isLess(left: unknown, right: unknown): boolean {
  const [a, b] = [plain(left), plain(right)];
  if (typeof a === "number" && typeof b === "number") return a < b;
  if (typeof a === "string" && typeof b === "string") return a < b;
  throw new TemplateError(`cannot compare ${kindOf(left)} with ${kindOf(right)}`);
}

/** What Go calls the kind of a value. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return "invalid";
  if (Array.isArray(value)) return "slice";
  if (value instanceof Markup || typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float64";
  return typeof value === "function" ? "func" : "map";
}

/** A field as a template names it, and as JSON does: `APIVersion` is `apiVersion`, `GetTracing` is `tracing`. */
export interface FieldName {
  readonly name: string;
  readonly json: string;
  readonly getter?: FieldName;
}

export function fieldName(name: string): FieldName {
  const json = name.replace(/^[A-Z]+(?=[A-Z][a-z])|^[A-Z]+$|^[A-Z]/, (start) => start.toLowerCase());
  const getter = /^Get[A-Z]/.test(name) ? fieldName(name.slice(3)) : undefined;
  return { name, json, ...(getter ? { getter } : {}) };
}

/** Methods of Go's types that give the value itself: those of enumerations and of wrapped values. */
const SELF: ReadonlySet<string> = new Set(["String", "Value", "GetValue", "AsDuration", "AsInterface"]);

/**
 * A field of a map. What is absent has absent fields.
 * @throws TemplateError for a field of a value that has none
 */
export function fieldOf(value: unknown, field: FieldName): unknown {
  if (value === undefined || value === null) return undefined;
  if (isFields(value)) {
    if (Object.hasOwn(value, field.name)) return value[field.name];
    if (Object.hasOwn(value, field.json)) return value[field.json];
    return field.getter && fieldOf(value, field.getter);
  }
  if (SELF.has(field.name)) return value;
  throw new TemplateError(`a ${kindOf(value)} has no field ${field.name}`);
}

/** An element of a list, or the value of a key. @throws TemplateError */
export function elementOf(value: unknown, key: unknown): unknown {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value)) {
    if (typeof key !== "number" || !Number.isInteger(key))
      throw new TemplateError(`a list has no element ${textOf(key)}`);
    if (key < 0 || key >= value.length) throw new TemplateError(`the list has no element ${key}, only ${value.length}`);
    return value[key];
  }
  if (isFields(value)) {
    const name = textOf(key);
    return Object.hasOwn(value, name) ? value[name] : undefined;
  }
  throw new TemplateError(`a ${kindOf(value)} has no elements`);
}
