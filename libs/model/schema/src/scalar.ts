import { parseNanos } from "@xebec/core-duration";
import type { Finding } from "./finding.ts";
import { notSupported, type SchemaNode } from "./node.ts";
import type { Path } from "./violation.ts";
import { showValue } from "./wording.ts";

/** A number in a string, as JSON writes it. */
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/** Reads a string, number, boolean or enum value; what it cannot be is left as it is, with a violation. */
export function readScalar(node: SchemaNode, value: unknown, path: Path, found: Finding): unknown {
  if (node.enum) return readEnum(node, node.enum, value, path, found);
  switch (node.type) {
    case "integer":
    case "number":
      return readNumber(node, value, path, found);
    case "boolean":
      if (typeof value !== "boolean") found.add(path, `must be true or false, not ${showValue(value)}`);
      return value;
    default:
      return readString(node, value, path, found);
  }
}

function readEnum(node: SchemaNode, names: readonly string[], value: unknown, path: Path, found: Finding): unknown {
  const { numbers = {}, unsupported = {} } = node;
  const name = typeof value === "number" ? Object.keys(numbers).find((each) => numbers[each] === value) : value;
  if (typeof name === "string") {
    if (names.includes(name)) return name;
    if (Object.hasOwn(unsupported, name)) {
      found.add(path, `${name} ${notSupported(unsupported[name])}`);
      return value;
    }
  }
  found.add(path, `must be one of ${names.join(", ")}, not ${showValue(value)}`);
  return value;
}

function readNumber(node: SchemaNode, value: unknown, path: Path, found: Finding): unknown {
  const number = typeof value === "string" && value.length <= 64 && NUMBER.test(value) ? Number(value) : value;
  const isRight = node.type === "integer" ? Number.isSafeInteger(number) : Number.isFinite(number);
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = node;
  if (isRight && (number as number) >= minimum && (number as number) <= maximum) return number;
  const type = node.type === "integer" ? "an integer" : "a number";
  found.add(path, `must be ${type}${rangeText(node)}, not ${showValue(value)}`);
  return value;
}

/** The limits of 32 and 64 bits are obvious; others are named. */
function rangeText({ minimum, maximum }: SchemaNode): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return ` of at least ${minimum}`;
  return maximum === undefined ? "" : ` of at most ${maximum}`;
}

const QUOTES = "; put it in quotes";
const DURATIONS = "; write for example 1s, 500ms or 1m30s";

function readString(node: SchemaNode, value: unknown, path: Path, found: Finding): unknown {
  const isDuration = node.format === "duration";
  if (typeof value !== "string") {
    // A number in quotes is still not a duration: it lacks the unit.
    const advice = isDuration ? DURATIONS : typeof value === "boolean" || typeof value === "number" ? QUOTES : "";
    found.add(path, `must be a ${isDuration ? "duration" : "string"}, not ${showValue(value)}${advice}`);
    return value;
  }
  if (value.length < (node.minLength ?? 0)) found.add(path, "must not be empty");
  else if (node.pattern !== undefined && !new RegExp(node.pattern).test(value))
    found.add(path, `${showValue(value)} does not match ${node.pattern}`);
  else if (isDuration && parseNanos(value) === undefined)
    found.add(path, `${showValue(value)} is not a duration${DURATIONS}`);
  else if (node.format === "byte") return readBytes(value, path, found);
  return value;
}

/** Both alphabets of base64, with or without padding; the result is the standard one with padding. */
function readBytes(value: string, path: Path, found: Finding): string {
  const bytes = Buffer.from(value, "base64");
  // A single letter behind whole groups of four has six bits, which are no byte.
  if (BASE64.test(value) && value.replace(/=+$/, "").length % 4 !== 1) return bytes.toString("base64");
  found.add(path, `${showValue(value)} is not base64`);
  return value;
}
