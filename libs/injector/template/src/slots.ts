import { Markup } from "@xebec/core-go-template";
import { plainValue, readYaml } from "@xebec/core-yaml";
import { isFields } from "./fields.ts";

/** Characters of Unicode's private use: they stand around the number of a value in a skeleton. */
export const OPEN = "\uE0F0";
export const CLOSE = "\uE0F1";
/** Stands before a scalar that is not in quotes. */
const PLAIN = "\uE0F2";
const SLOT = /\uE0F0(\d+)\uE0F1/;

export type Values = readonly (string | number | Markup)[];
/** Puts values into the places that a skeleton has for them. */
export type Fill = (values: Values) => unknown;

/**
 * Reads a skeleton: YAML in which numbers in `OPEN` and `CLOSE` stand for values.
 * @throws YamlError
 */
export function readSkeleton(text: string): Fill {
  const plain = (scalar: string): unknown => (scalar.includes(OPEN) ? PLAIN + scalar : plainValue(scalar));
  return filled(readYaml(text, { plain })) ?? (() => null);
}

/** @returns undefined when there is nothing to put in: the value itself is always the same */
function filled(node: unknown): Fill | undefined {
  const fill = fillOf(node);
  return fill ?? (() => node);
}

function fillOf(node: unknown): Fill | undefined {
  if (typeof node === "string") return node.includes(OPEN) ? textFill(node) : undefined;
  if (Array.isArray(node)) {
    const fills = node.map(fillOf);
    if (fills.every((each) => each === undefined)) return undefined;
    return (values) => node.map((each: unknown, index) => fills[index]?.(values) ?? each);
  }
  if (!isFields(node)) return undefined;
  const entries = Object.entries(node).map(([key, value]) => ({
    key,
    value,
    keyFill: fillOf(key),
    fill: fillOf(value),
  }));
  if (entries.every(({ keyFill, fill }) => !keyFill && !fill)) return undefined;
  return (values) => {
    const map: Record<string, unknown> = {};
    for (const { key, value, keyFill, fill } of entries) {
      const name = keyFill ? String(keyFill(values)) : key;
      // An assignment would make it the prototype.
      if (name !== "__proto__") map[name] = fill ? fill(values) : value;
    }
    return map;
  };
}

function textFill(scalar: string): Fill {
  const isPlain = scalar.startsWith(PLAIN);
  const parts = (isPlain ? scalar.slice(1) : scalar).split(SLOT);
  const indexes = parts.map((part, at) => (at % 2 === 1 ? Number(part) : -1));
  const join = (values: Values): string => {
    let text = "";
    for (let index = 0; index < parts.length; index++)
      text += index % 2 === 1 ? textOf(values[indexes[index] as number]) : parts[index];
    return text;
  };
  if (!isPlain) return join;
  const isSingle = parts.length === 3 && parts[0] === "" && parts[2] === "";
  if (!isSingle) return (values) => scalarOf(join(values));
  const [, only = 0] = indexes;
  return (values) => {
    const value = values[only];
    if (typeof value === "number") return value;
    return value instanceof Markup ? flowOf(value.text) : scalarOf(value ?? "");
  };
}

function textOf(value: string | number | Markup | undefined): string {
  return value instanceof Markup ? value.text : String(value ?? "");
}

/** What a text means where YAML has no quotes around it. It is always one scalar, whatever is in it. */
function scalarOf(text: string): unknown {
  const trimmed = text.trim();
  const first = trimmed[0];
  if (first === '"' && trimmed.length > 1 && trimmed.endsWith('"')) {
    try {
      const value: unknown = JSON.parse(trimmed);
      if (typeof value === "string") return value;
    } catch {
      // Then the quotes are part of the text.
    }
  }
  if (first === "'" && trimmed.length > 1 && /^'(?:[^']|'')*'$/.test(trimmed))
    return trimmed.slice(1, -1).replaceAll("''", "'");
  const value = plainValue(trimmed);
  return typeof value === "number" && !Number.isFinite(value) ? trimmed : value;
}

/** JSON that a function made, or a text in quotes. */
function flowOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return scalarOf(text);
  }
}
