import {
  type AttributeValue,
  formatGoDuration,
  type Int64,
  renderValue,
  type StringMap,
  type Timestamp,
  type ValueMap,
  type ValueType,
} from "@xebec/mixer-sdk";

/** A value as JSON has it. */
export type PlainValue = string | number | boolean | { readonly [key: string]: string };

/** How a value becomes plain: integers and booleans stay, what JSON does not have is text. */
export function plainValue(type: ValueType, value: AttributeValue): PlainValue {
  switch (type) {
    case "INT64":
      return typeof value === "bigint" ? String(value) : (value as number);
    case "DOUBLE":
      return Number.isFinite(value) ? (value as number) : String(value);
    case "BOOL":
      return value as boolean;
    case "DURATION":
      return formatGoDuration(value as Int64);
    case "STRING_MAP":
      return Object.fromEntries((value as StringMap).entries());
    default:
      return renderValue(type, value);
  }
}

/** A map of values, plain. */
export function plainMap(values: ValueMap | undefined): Record<string, PlainValue> {
  return mapped(values, plainValue);
}

/** A map of values as texts, as Istio writes labels (docs/reference/mixer.md §6). */
export function textMap(values: ValueMap | undefined): Record<string, string> {
  return mapped(values, renderValue);
}

function mapped<T>(values: ValueMap | undefined, of: (type: ValueType, value: AttributeValue) => T): Record<string, T> {
  const out: Record<string, T> = Object.create(null) as Record<string, T>;
  if (values)
    for (const [i, name] of values.names.entries())
      out[name] = of(values.types[i] as ValueType, values.values[i] as AttributeValue);
  return { ...out };
}

/** Nanoseconds of an instant since 1970 UTC. */
export function epochNanos({ seconds, nanos }: Timestamp): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
}

/** Microseconds of an instant since 1970 UTC. */
export function epochMicros({ seconds, nanos }: Timestamp): number {
  return seconds * 1_000_000 + Math.floor(nanos / 1_000);
}

/** Milliseconds of an instant since 1970 UTC. */
export function epochMs({ seconds, nanos }: Timestamp): number {
  return seconds * 1_000 + Math.floor(nanos / 1_000_000);
}

/** RFC 3339 with nanoseconds. */
export function rfc3339(time: Timestamp): string {
  return `${new Date(time.seconds * 1000).toISOString().slice(0, 19)}.${String(time.nanos).padStart(9, "0")}Z`;
}
