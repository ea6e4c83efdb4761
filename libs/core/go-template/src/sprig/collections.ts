import type { Functions } from "../pipeline.ts";
import { TemplateError } from "../template-error.ts";
import { type Fields, isEqual, isFields, isTrue, kindOf, sortedKeys, textOf } from "../values.ts";

const MAX_RANGE = 100_000;

/** Sprig's functions on lists and maps. None of them changes what it is given: `set` and `merge` give a new map, too. */
export const COLLECTIONS: Functions = {
  list: (...items) => items,
  tuple: (...items) => items,
  append: (list, item) => [...listOf(list), item],
  push: (list, item) => [...listOf(list), item],
  prepend: (list, item) => [item, ...listOf(list)],
  concat: (...lists) => lists.flatMap(listOf),
  first: (list) => listOf(list)[0],
  last: (list) => listOf(list).at(-1),
  rest: (list) => listOf(list).slice(1),
  initial: (list) => listOf(list).slice(0, -1),
  reverse: (list) => listOf(list).toReversed(),
  uniq: (list) => listOf(list).filter((each, index, all) => all.findIndex((other) => isEqual(other, each)) === index),
  without: (list, ...items) => listOf(list).filter((each) => !items.some((other) => isEqual(other, each))),
  has: (item, list) => listOf(list).some((each) => isEqual(each, item)),
  compact: (list) => listOf(list).filter(isTrue),
  sortAlpha: (list) => listOf(list).map(textOf).sort(),
  until: (count) => numbers(0, Number(count), 1),
  untilStep: (from, to, step) => numbers(Number(from), Number(to), Number(step)),
  dict: (...pairs) => dict(pairs),
  get: (map, key) => own(mapOf(map), key) ?? "",
  set: (map, key, value) => ({ ...mapOf(map), [textOf(key)]: value }),
  unset: (map, key) => omit(mapOf(map), [key]),
  hasKey: (map, key) => Object.hasOwn(mapOf(map), textOf(key)),
  keys: (...maps) => maps.flatMap((map) => sortedKeys(mapOf(map))),
  values: (...maps) => maps.flatMap((map) => sortedKeys(mapOf(map)).map((key) => mapOf(map)[key])),
  pick: (map, ...keys) => {
    const wanted = new Set(keys.map(textOf));
    return Object.fromEntries(Object.entries(mapOf(map)).filter(([key]) => wanted.has(key)));
  },
  omit: (map, ...keys) => omit(mapOf(map), keys),
  pluck: (key, ...maps) =>
    maps.filter((map) => Object.hasOwn(mapOf(map), textOf(key))).map((map) => mapOf(map)[textOf(key)]),
  merge: (...maps) => maps.toReversed().reduce<unknown>((all, map) => merged(all, map), {}),
  mergeOverwrite: (...maps) => maps.reduce<unknown>((all, map) => merged(all, map), {}),
  deepCopy: (value) => value,
  dig: (...parts) => {
    const map = parts.at(-1);
    const keys = parts.slice(0, -2);
    const found = keys.reduce<unknown>((each, key) => (isFields(each) ? own(each, key) : undefined), map);
    return found ?? parts.at(-2);
  },
};

function omit(map: Fields, keys: readonly unknown[]): Fields {
  const unwanted = new Set(keys.map(textOf));
  return Object.fromEntries(Object.entries(map).filter(([key]) => !unwanted.has(key)));
}

function own(map: Fields, key: unknown): unknown {
  return Object.hasOwn(map, textOf(key)) ? map[textOf(key)] : undefined;
}

function dict(pairs: readonly unknown[]): Fields {
  const map: Record<string, unknown> = {};
  for (let at = 0; at < pairs.length; at += 2)
    Object.defineProperty(map, textOf(pairs[at]), {
      value: pairs[at + 1],
      enumerable: true,
      writable: true,
      configurable: true,
    });
  return map;
}

function merged(base: unknown, over: unknown): unknown {
  if (!isFields(base) || !isFields(over)) return over;
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (key === "__proto__") continue;
    result[key] = Object.hasOwn(result, key) ? merged(result[key], value) : value;
  }
  return result;
}

function numbers(from: number, to: number, step: number): number[] {
  const count = step === 0 ? 0 : Math.ceil((to - from) / step);
  if (count > MAX_RANGE) throw new TemplateError(`more than ${MAX_RANGE} numbers`);
  return Array.from({ length: Math.max(count, 0) }, (_, index) => from + index * step);
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw new TemplateError(`a list is expected, not a ${kindOf(value)}`);
}

function mapOf(value: unknown): Fields {
  if (value === undefined || value === null) return {};
  if (isFields(value)) return value;
  throw new TemplateError(`a map is expected, not a ${kindOf(value)}`);
}
