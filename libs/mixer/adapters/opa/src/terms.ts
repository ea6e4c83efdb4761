import type { Literal, Term } from "./ast.ts";
import type { Scope } from "./scope.ts";
import { RegoObject, RegoSet, type Value } from "./values.ts";

/** The members of a collection, each with its key; a member of a set is its own key. */
export function membersOf(value: Value): (readonly [Value, Value])[] {
  if (value instanceof RegoObject) return value.entries();
  if (value instanceof RegoSet) return value.items().map((each) => [each, each]);
  return Array.isArray(value) ? value.map((each, i) => [i, each]) : [];
}

/** The member of a collection with a key. */
export function memberAt(value: Value, key: Value): Value | undefined {
  if (value instanceof RegoObject) return value.get(key);
  if (value instanceof RegoSet) return value.has(key) ? key : undefined;
  return Array.isArray(value) && typeof key === "number" ? value[key] : undefined;
}

/** A name with its value, or nothing for one without. */
export function bound(name: string, scope: Scope): [string, Value][] {
  const value = scope.get(name);
  return value === undefined ? [] : [[name, value]];
}

/** The names that a literal may give values to. */
export function namesIn(literal: Literal): string[] {
  if (literal.kind === "some") return [];
  if (literal.kind === "someIn")
    return [...freeIn(literal.value), ...(literal.key ? freeIn(literal.key) : []), ...freeIn(literal.of)];
  return literal.kind === "every" ? freeIn(literal.of) : freeIn(literal.term);
}

/** The names in a term; those inside of comprehensions are their own. */
export function freeIn(term: Term): string[] {
  switch (term.kind) {
    case "var":
      return [term.name];
    case "ref":
      return [...freeIn(term.head), ...term.path.flatMap(freeIn)];
    case "call":
      return term.args.flatMap(freeIn);
    case "array":
    case "set":
      return term.items.flatMap(freeIn);
    case "object":
      return term.entries.flat().flatMap(freeIn);
    case "unify":
    case "assign":
      return [...freeIn(term.left), ...freeIn(term.right)];
    default:
      return [];
  }
}

/** An object with another value at a path. */
export function replaced(value: Value | undefined, path: readonly string[], by: Value): Value {
  const [first, ...rest] = path;
  if (first === undefined) return by;
  const object = value instanceof RegoObject ? value : new RegoObject();
  return new RegoObject([
    ...object.entries().filter(([key]) => key !== first),
    [first, replaced(object.get(first), rest, by)],
  ]);
}
