import type { Functions } from "../pipeline.ts";
import { TemplateError } from "../template-error.ts";
import { isFields, isTrue, kindOf, textOf } from "../values.ts";

/** Sprig's functions on numbers, on defaults and on types. */
export const NUMBERS: Functions = {
  add: (...values) => values.reduce<number>((sum, each) => sum + whole(each), 0),
  add1: (value) => whole(value) + 1,
  sub: (left, right) => whole(left) - whole(right),
  mul: (...values) => values.reduce<number>((product, each) => product * whole(each), 1),
  div: (left, right) => Math.trunc(whole(left) / divisor(right)),
  mod: (left, right) => whole(left) % divisor(right),
  max: (...values) => Math.max(...values.map(whole)),
  min: (...values) => Math.min(...values.map(whole)),
  ceil: (value) => Math.ceil(numberOf(value)),
  floor: (value) => Math.floor(numberOf(value)),
  round: (value, digits) => Number(numberOf(value).toFixed(Math.min(Math.max(whole(digits), 0), 100))),
  int: whole,
  int64: whole,
  atoi: whole,
  float64: numberOf,
  toString: textOf,
  toStrings: (list) => (Array.isArray(list) ? list.map(textOf) : [textOf(list)]),
  default: (other, value) => (isTrue(value) ? value : other),
  empty: (value) => !isTrue(value),
  coalesce: (...values) => values.find(isTrue),
  all: (...values) => values.every(isTrue),
  any: (...values) => values.some(isTrue),
  ternary: (yes, no, condition) => (isTrue(condition) ? yes : no),
  fail: (message) => {
    throw new TemplateError(textOf(message));
  },
  required: (message, value) => {
    if (value === undefined || value === null || value === "") throw new TemplateError(textOf(message));
    return value;
  },
  kindOf,
  kindIs: (kind, value) => kindOf(value) === textOf(kind),
  typeOf: kindOf,
  typeIs: (kind, value) => kindOf(value) === textOf(kind),
  deepEqual: (left, right) => JSON.stringify(left) === JSON.stringify(right),
};

function numberOf(value: unknown): number {
  if (isFields(value) || Array.isArray(value)) return 0;
  const number = Number(textOf(value));
  return Number.isFinite(number) ? number : 0;
}

function whole(value: unknown): number {
  return Math.trunc(numberOf(value));
}

function divisor(value: unknown): number {
  const number = whole(value);
  if (number === 0) throw new TemplateError("division by zero");
  return number;
}
