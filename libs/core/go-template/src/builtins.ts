import { format } from "./format.ts";
import type { Functions } from "./pipeline.ts";
import { TemplateError } from "./template-error.ts";
import { elementOf, isEqual, isFields, isLess, isTrue, kindOf, textOf } from "./values.ts";

/** Go's own functions. */
export const BUILTINS: Functions = {
  not: (value) => !isTrue(value),
  eq: (first, ...others) => others.some((each) => isEqual(first, each)),
  ne: (left, right) => !isEqual(left, right),
  lt: (left, right) => isLess(left, right),
  le: (left, right) => !isLess(right, left),
  gt: (left, right) => isLess(right, left),
  ge: (left, right) => !isLess(left, right),
  len: (value) => lengthOf(value),
  index: (value, ...keys) => keys.reduce((found, key) => elementOf(found, key), value),
  slice: (value, from = 0, to = undefined) => {
    if (typeof value !== "string" && !Array.isArray(value)) throw new TemplateError(`cannot slice a ${kindOf(value)}`);
    return value.slice(Number(from), to === undefined ? undefined : Number(to));
  },
  print: (...values) => values.map(textOf).join(""),
  println: (...values) => `${values.map(textOf).join(" ")}\n`,
  printf: (pattern, ...values) => format(textOf(pattern), values),
  urlquery: (...values) => encodeURIComponent(values.map(textOf).join("")),
};

function lengthOf(value: unknown): number {
  if (value === undefined || value === null) return 0;
  if (Array.isArray(value)) return value.length;
  if (isFields(value)) return Object.keys(value).length;
  if (typeof value === "number" || typeof value === "boolean")
    throw new TemplateError(`a ${kindOf(value)} has no length`);
  return Buffer.byteLength(textOf(value));
}
