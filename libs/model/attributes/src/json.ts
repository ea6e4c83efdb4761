import { formatGoDuration, parseGoDuration } from "./duration.ts";
import { formatIp, parseIp } from "./ip.ts";
import { formatTimestamp, parseTimestamp } from "./timestamp.ts";
import { type AttributeValue, int64, type StringMap, stringMap, type Timestamp } from "./value.ts";
import type { ValueType } from "./value-type.ts";

/** A value of a type, from what YAML and JSON have. @returns undefined when it is none */
export function attributeFromJson(type: ValueType, given: unknown): AttributeValue | undefined {
  if (type === "INT64") {
    if (typeof given === "number" && Number.isInteger(given)) return given;
    return typeof given === "string" && /^-?\d+$/.test(given) ? int64(BigInt(given)) : undefined;
  }
  if (type === "DOUBLE") return typeof given === "number" ? given : undefined;
  if (type === "BOOL") return typeof given === "boolean" ? given : undefined;
  if (type === "STRING_MAP")
    return typeof given === "object" && given !== null ? stringMap(given as Record<string, string>) : undefined;
  if (typeof given !== "string") return undefined;
  if (type === "DURATION") return parseGoDuration(given);
  if (type === "TIMESTAMP") return parseTimestamp(given);
  return type === "IP_ADDRESS" ? parseIp(given) : given;
}

/** A value of a type as JSON has it; `attributeFromJson` reads it. Integers beyond 2^53 are strings. */
export function attributeToJson(type: ValueType, value: AttributeValue): unknown {
  if (type === "DURATION") return formatGoDuration(value as number);
  if (type === "TIMESTAMP") return formatTimestamp(value as Timestamp);
  if (type === "IP_ADDRESS") return formatIp(value as Uint8Array);
  if (type === "STRING_MAP") return Object.fromEntries((value as StringMap).entries());
  return typeof value === "bigint" ? value.toString() : value;
}
