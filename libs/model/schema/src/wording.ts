import { didYouMean } from "@xebec/core-errors";
import type { SchemaNode } from "./node.ts";

/** Most names that a message lists. */
const MAX_LISTED = 12;

/** A value in a message, as JSON, cut off where it is long. */
export function showValue(value: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    // Nested too deep to be written.
    return Array.isArray(value) ? "a list of lists" : "a map of maps";
  }
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** What sort of value is there in place of a list or map. */
export function describeValue(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "a map" : showValue(value);
}

/** What is reported of a field that nobody has: what may be meant, or what there is. */
export function unknownField(given: string, node: SchemaNode): string {
  const fields = Object.entries(node.properties ?? {});
  const known = fields.map(([name]) => name);
  // A field of Istio's is a likely meaning, too, even if it is not supported.
  const near = didYouMean(given, [...known, ...Object.keys(node.unsupported ?? {})]);
  if (near) return `unknown field${near}`;
  // A line that is indented too little.
  const within = fields.filter(([, each]) => given in ((each.items ?? each).properties ?? {})).map(([name]) => name);
  if (within.length > 0) return `unknown field; did you mean ${within.map((name) => `${name}.${given}`).join(" or ")}?`;
  if (known.length <= MAX_LISTED) return `unknown field; known are ${known.join(", ")}`;
  const used = fields.filter(([, each]) => each.noEffect === undefined).map(([name]) => name);
  if (used.length < known.length && used.length <= MAX_LISTED)
    return `unknown field; those that have an effect are ${used.join(", ")}`;
  return "unknown field";
}
