import {
  type AttributeValue,
  formatGoDuration,
  formatTimestamp,
  type Int64,
  renderValue,
  type Timestamp,
  type ValueMap,
  type ValueType,
} from "@xebec/mixer-sdk";

export type Level = "info" | "warn" | "error";

/** A log line before it is written. */
export interface Line {
  readonly level: Level;
  readonly time: Timestamp;
  readonly instance: string;
  /** A metric's value comes before its dimensions. */
  readonly value?: { readonly type: ValueType; readonly value: AttributeValue } | undefined;
  readonly fields: ValueMap | undefined;
  /** Whether addresses are written as text; in a metric's dimensions they are base64, as in Istio. */
  readonly addressAsText: boolean;
}

/** One line of JSON: level, time, instance, then the fields in order of their names. */
export function jsonLine(line: Line): string {
  const head = `{"level":"${line.level}","time":"${formatTimestamp(line.time)}","instance":${JSON.stringify(line.instance)}`;
  const fields = fieldsOf(line);
  return `${head}${fields === "" ? "" : `,${fields}`}}\n`;
}

/** One line for people: time, level, instance and the fields as JSON, with tabs between. */
export function consoleLine(line: Line): string {
  return `${formatTimestamp(line.time)}\t${line.level}\t${line.instance}\t{${fieldsOf(line)}}\n`;
}

function fieldsOf({ value, fields, addressAsText }: Line): string {
  let out = value ? `"value":${valueText(value.type, value.value, addressAsText)}` : "";
  for (const [i, name] of (fields?.names ?? []).entries()) {
    const text = valueText(fields?.types[i] as ValueType, fields?.values[i] as AttributeValue, addressAsText);
    out += `${out === "" ? "" : ","}${JSON.stringify(name)}:${text}`;
  }
  return out;
}

function valueText(type: ValueType, value: AttributeValue, addressAsText: boolean): string {
  switch (type) {
    case "INT64":
    case "BOOL":
      return String(value);
    case "DOUBLE":
      return Number.isFinite(value) ? String(value) : JSON.stringify(String(value));
    case "DURATION":
      return JSON.stringify(formatGoDuration(value as Int64));
    case "IP_ADDRESS":
      return JSON.stringify(
        addressAsText ? renderValue(type, value) : Buffer.from(value as Uint8Array).toString("base64"),
      );
    default:
      return JSON.stringify(renderValue(type, value));
  }
}
