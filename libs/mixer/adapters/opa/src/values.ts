/** A value of Rego. Numbers are doubles. */
export type Value = null | boolean | number | string | readonly Value[] | RegoObject | RegoSet;

/** An object: keys may be any values. */
export class RegoObject {
  readonly #entries = new Map<string, readonly [Value, Value]>();

  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    for (const [key, value] of entries) this.set(key, value);
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(canonical(key))?.[1];
  }

  set(key: Value, value: Value): void {
    this.#entries.set(canonical(key), [key, value]);
  }

  entries(): (readonly [Value, Value])[] {
    return [...this.#entries.values()].sort(([a], [b]) => compare(a, b));
  }
}

export class RegoSet {
  readonly #items = new Map<string, Value>();

  constructor(items: Iterable<Value> = []) {
    for (const each of items) this.add(each);
  }

  get size(): number {
    return this.#items.size;
  }

  has(value: Value): boolean {
    return this.#items.has(canonical(value));
  }

  add(value: Value): void {
    this.#items.set(canonical(value), value);
  }

  items(): Value[] {
    return [...this.#items.values()].sort(compare);
  }
}

/** The rank of each type in Rego's order of values. */
function rank(value: Value): number {
  if (value === null) return 0;
  if (typeof value === "boolean") return 1;
  if (typeof value === "number") return 2;
  if (typeof value === "string") return 3;
  if (Array.isArray(value)) return 4;
  return value instanceof RegoObject ? 5 : 6;
}

const TYPES = ["null", "boolean", "number", "string", "array", "object", "set"] as const;

export function typeName(value: Value): string {
  return TYPES[rank(value)] as string;
}

/** Orders values: negative, zero or positive. */
export function compare(a: Value, b: Value): number {
  const by = rank(a) - rank(b);
  if (by !== 0) return by;
  if (typeof a === "string") return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b as string));
  if (typeof a === "number" || typeof a === "boolean") return Number(a) - Number(b);
  if (a === null) return 0;
  const [left, right] = [itemsOf(a), itemsOf(b)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const each = compare(left[i] as Value, right[i] as Value);
    if (each !== 0) return each;
  }
  return left.length - right.length;
}

function itemsOf(value: Value): readonly Value[] {
  if (value instanceof RegoSet) return value.items();
  if (value instanceof RegoObject) return value.entries().flat() as Value[];
  return value as readonly Value[];
}

export function equal(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  return canonical(a) === canonical(b);
}

/** A text that equal values have in common. */
export function canonical(value: Value): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (value instanceof RegoSet) return `<${value.items().map(canonical).join(",")}>`;
  if (value instanceof RegoObject)
    return `{${value
      .entries()
      .map(([key, each]) => `${canonical(key)}:${canonical(each)}`)
      .join(",")}}`;
  return `[${(value as readonly Value[]).map(canonical).join(",")}]`;
}

/** A value of JSON as one of Rego. */
export function fromJson(json: unknown): Value {
  if (Array.isArray(json)) return json.map(fromJson);
  if (typeof json === "object" && json !== null)
    return new RegoObject(Object.entries(json).map(([key, each]) => [key, fromJson(each)]));
  return json as Value;
}

/** A value as JSON: sets become arrays. */
export function toJson(value: Value): unknown {
  if (value instanceof RegoSet) return value.items().map(toJson);
  if (value instanceof RegoObject)
    return Object.fromEntries(
      value.entries().map(([key, each]) => [typeof key === "string" ? key : JSON.stringify(toJson(key)), toJson(each)]),
    );
  return Array.isArray(value) ? value.map(toJson) : value;
}
