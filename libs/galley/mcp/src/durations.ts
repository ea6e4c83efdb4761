import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { parseNanos } from "@xebec/core-duration";

const DURATION = "google.protobuf.Duration";

/**
 * Specs have durations as users write them, `1m30s`; protobuf's JSON has seconds, `90s`.
 * @param value a spec, or a part of it
 * @returns it with the durations of protobuf's JSON; what is no duration is left as it is
 */
export function withProtoDurations(message: DescMessage, value: unknown): unknown {
  if (!holdsDurations(message) || value === null || typeof value !== "object") return value;
  const result: Record<string, unknown> = { ...value };
  for (const field of message.fields) {
    const { jsonName } = field;
    if (!Object.hasOwn(result, jsonName)) continue;
    const of = messageOf(field);
    if (!of) continue;
    result[jsonName] = each(field, result[jsonName], (item) =>
      of.typeName === DURATION ? seconds(item) : withProtoDurations(of, item),
    );
  }
  return result;
}

function messageOf(field: DescField): DescMessage | undefined {
  if (field.fieldKind === "message" || field.fieldKind === "list" || field.fieldKind === "map") return field.message;
  return undefined;
}

function each(field: DescField, value: unknown, change: (item: unknown) => unknown): unknown {
  if (field.fieldKind === "list") return Array.isArray(value) ? value.map(change) : value;
  if (field.fieldKind !== "map" || value === null || typeof value !== "object") return change(value);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, change(item)]));
}

function seconds(value: unknown): unknown {
  const nanos = typeof value === "string" ? parseNanos(value) : undefined;
  if (nanos === undefined) return value;
  const all = BigInt(nanos);
  const [sign, rest] = all < 0n ? ["-", -all] : ["", all];
  const fraction = String(rest % 1_000_000_000n)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return `${sign}${rest / 1_000_000_000n}${fraction ? `.${fraction}` : ""}s`;
}

const known = new Map<string, boolean>();

/** Whether a duration can stand anywhere in the message. Messages without one are passed over. */
function holdsDurations(message: DescMessage): boolean {
  const { typeName } = message;
  const found = known.get(typeName);
  if (found !== undefined) return found;
  // A message that holds itself has none of its own because of that.
  known.set(typeName, false);
  const holds = message.fields.some((field) => {
    const of = messageOf(field);
    return of !== undefined && (of.typeName === DURATION || holdsDurations(of));
  });
  known.set(typeName, holds);
  return holds;
}
