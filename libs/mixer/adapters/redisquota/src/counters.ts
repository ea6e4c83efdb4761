import { sameAsText, type ValueMap } from "@xebec/mixer-sdk";
import type { RedisQuota } from "./info.ts";

/** The limit for an instance, and the dimensions of the override that gives it. */
export function limitOf(
  { maxAmount = 0, overrides = [] }: RedisQuota,
  dimensions: ValueMap | undefined,
): { readonly max: number; readonly override: Readonly<Record<string, string>> | undefined } {
  const chosen = overrides.find((each) => fits(each.dimensions ?? {}, dimensions));
  return chosen
    ? { max: Number(chosen.maxAmount ?? 0), override: chosen.dimensions }
    : { max: Number(maxAmount), override: undefined };
}

/** Whether an instance has all dimensions of an override, each equal to its text. */
function fits(wanted: Readonly<Record<string, string>>, dimensions: ValueMap | undefined): boolean {
  return Object.entries(wanted).every(([name, text]) => {
    const at = dimensions?.names.indexOf(name) ?? -1;
    if (!dimensions || at < 0) return false;
    return sameAsText(dimensions.types[at], dimensions.values[at], text);
  });
}

/**
 * The beginning of a counter's keys in Redis. All dimensions without an override share one counter, unlike in memquota
 * (docs/reference/mixer.md §6.4).
 */
export function keyBase(name: string, override: Readonly<Record<string, string>> | undefined): string {
  if (!override) return name;
  const text = Object.entries(override)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}\t${value}\n`)
    .join("");
  return `${name}-${fnv1a(Buffer.from(text))}`;
}

/** FNV-1a of 32 bits. */
function fnv1a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
