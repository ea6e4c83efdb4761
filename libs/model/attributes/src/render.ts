import { formatGoDuration } from "./duration.ts";
import { formatIp } from "./ip.ts";
import { formatTimestamp } from "./timestamp.ts";
import type { AttributeValue, Int64, StringMap, Timestamp } from "./value.ts";
import type { ValueType } from "./value-type.ts";

/**
 * Writes a value as labels and tags show it (docs/reference/mixer.md §6): strings as they are, numbers in decimal without
 * exponent, times with microseconds, durations in Go's form, addresses as text, maps as `stringmap[k:v k2:v2]`, nothing as "".
 */
export function renderValue(type: ValueType, value: AttributeValue | undefined): string {
  if (value === undefined) return "";
  if (typeof value === "string") return value;
  switch (type) {
    case "DOUBLE":
      return formatDouble(value as number);
    case "DURATION":
      return formatGoDuration(value as Int64);
    case "TIMESTAMP":
      return formatTimestamp(value as Timestamp);
    case "IP_ADDRESS":
      return formatIp(value as Uint8Array);
    case "STRING_MAP":
      return renderMap(value as StringMap);
    default:
      return String(value);
  }
}

function renderMap(map: StringMap): string {
  const entries = [...map.entries()].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `stringmap[${entries.map(([key, value]) => `${key}:${value}`).join(" ")}]`;
}

/** The shortest decimal text that reads back as the same double, without an exponent. */
export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (Object.is(value, -0)) return "-0";
  const text = String(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (!match) return text;
  const [, sign = "", first = "", rest = "", exponent] = match;
  const digits = first + rest;
  const point = 1 + Number(exponent);
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return `${sign}${digits.slice(0, point).padEnd(point, "0")}${point < digits.length ? `.${digits.slice(point)}` : ""}`;
}
