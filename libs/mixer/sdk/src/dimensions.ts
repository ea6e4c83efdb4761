import {
  type AttributeValue,
  parseGoDuration,
  parseIp,
  parseTimestamp,
  renderValue,
  type ValueType,
} from "@xebec/model-attributes";
import type { ValueMap } from "./instance.ts";

/** The dimensions of an instance as strings, `name=value` in order of names. */
export function dimensionTexts(dimensions: ValueMap | undefined): string[] {
  if (!dimensions) return [];
  return dimensions.names.map(
    (name, i) => `${name}=${renderValue(dimensions.types[i] as ValueType, dimensions.values[i])}`,
  );
}

/** Compares a value with a string of the configuration: the text is read as the value's type; nothing equals "". */
export function sameAsText(type: ValueType | undefined, value: AttributeValue | undefined, text: string): boolean {
  if (type === undefined || value === undefined) return text === "";
  const read = readAs(type, text);
  return read !== undefined && renderValue(type, read) === renderValue(type, value);
}

function readAs(type: ValueType, text: string): AttributeValue | undefined {
  switch (type) {
    case "INT64":
      return /^[-+]?\d+$/.test(text) ? Number(text) : undefined;
    case "DOUBLE":
      return text.trim() === "" || Number.isNaN(Number(text)) ? undefined : Number(text);
    case "BOOL":
      return text === "true" ? true : text === "false" ? false : undefined;
    case "TIMESTAMP":
      return parseTimestamp(text);
    case "DURATION":
      return parseGoDuration(text);
    case "IP_ADDRESS":
      return parseIp(text);
    case "STRING_MAP":
      return undefined;
    default:
      return text;
  }
}
