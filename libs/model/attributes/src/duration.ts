import { type Int64, int64 } from "./value.ts";

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const WHOLE = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h)(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))*$/;
const PART = /(\d*)\.?(\d*)(ns|us|µs|μs|ms|s|m|h)/g;

/**
 * Reads a duration as Go writes it (`1h30m`, `-2s`, `1.5h`, also `0`, `+0`, `-0`).
 * @returns nanoseconds, or undefined when the text is no such duration or does not fit 64 bits
 */
export function parseGoDuration(text: string): Int64 | undefined {
  if (text === "0" || text === "+0" || text === "-0") return 0;
  if (text.length > 128 || !WHOLE.test(text)) return undefined;
  const negative = text.startsWith("-");
  let total = 0n;
  for (const [, whole = "", fraction = "", unit = ""] of text.matchAll(PART)) {
    const scale = UNITS[unit] as bigint;
    total += BigInt(whole || "0") * scale;
    if (fraction) total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  if (total > 9_223_372_036_854_775_807n) return undefined;
  return int64(negative ? -total : total);
}

/** Writes nanoseconds as Go does: `1.5s`, `2h45m0s`, `15ms`, `0s`. */
export function formatGoDuration(nanos: Int64): string {
  const negative = nanos < 0;
  const value = negative ? -BigInt(nanos) : BigInt(nanos);
  if (value === 0n) return "0s";
  const sign = negative ? "-" : "";
  if (value < 1_000n) return `${sign}${value}ns`;
  if (value < 1_000_000n) return `${sign}${decimal(value, 1_000n)}µs`;
  if (value < 1_000_000_000n) return `${sign}${decimal(value, 1_000_000n)}ms`;
  const hours = value / 3_600_000_000_000n;
  const minutes = (value / 60_000_000_000n) % 60n;
  const seconds = decimal(value % 60_000_000_000n, 1_000_000_000n);
  if (hours > 0n) return `${sign}${hours}h${minutes}m${seconds}s`;
  return minutes > 0n ? `${sign}${minutes}m${seconds}s` : `${sign}${seconds}s`;
}

function decimal(value: bigint, unit: bigint): string {
  const rest = value % unit;
  if (rest === 0n) return String(value / unit);
  const digits = String(rest).padStart(String(unit).length - 1, "0");
  return `${value / unit}.${digits.replace(/0+$/, "")}`;
}
