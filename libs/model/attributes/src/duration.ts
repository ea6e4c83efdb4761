import { formatNanos, parseNanos } from "@xebec/core-duration";
import { type Int64, int64 } from "./value.ts";

/**
 * Reads a DURATION as Go writes it (`1h30m`, `-2s`, `1.5h`, also `0`, `+0`, `-0`).
 * @returns nanoseconds, or undefined when the text is no such duration or does not fit 64 bits
 */
export function parseGoDuration(text: string): Int64 | undefined {
  const nanos = parseNanos(text);
  return nanos === undefined ? undefined : int64(nanos);
}

/** Writes a DURATION, nanoseconds, as Go does: `1.5s`, `2h45m0s`, `15ms`, `0s`. */
export function formatGoDuration(nanos: Int64): string {
  return formatNanos(BigInt(nanos));
}
