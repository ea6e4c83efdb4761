import type { PlainValue } from "@xebec/mixer-sinks";

/** OTLP's AnyValue, in its JSON form. */
export interface AnyValue {
  readonly [kind: string]: unknown;
}
export interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}

/** Attributes in OTLP's JSON form: 64-bit integers are texts. */
export function attributesOf(values: Readonly<Record<string, PlainValue>>): KeyValue[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: anyValue(value) }));
}

export function anyValue(value: PlainValue): AnyValue {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number") return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  return { kvlistValue: { values: attributesOf(value) } };
}
