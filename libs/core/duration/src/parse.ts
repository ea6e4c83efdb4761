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
/** A longer text is not worth its time. */
const MAX_LENGTH = 128;
const MAX_NANOS = 2n ** 63n - 1n;

/**
 * Reads a duration as Go's time.ParseDuration does (`1h30m`, `-2s`, `1.5h`, also `0`, `+0`, `-0`); protobuf's JSON form (`5s`)
 * is one too.
 * @returns nanoseconds, or undefined when the text is not a duration, longer than 128 characters, or does not fit 64 bits
 */
export function parseNanos(text: string): bigint | undefined {
  const nanos = read(text);
  return nanos === undefined || nanos > MAX_NANOS || nanos < -MAX_NANOS ? undefined : nanos;
}

/**
 * Reads a duration as Go writes it, also one that is too long for Go: a caller's own limit has the better sentence for it.
 * @returns milliseconds, fractions to the nanosecond; undefined when the text is not a duration or longer than 128 characters
 */
export function parseDuration(text: string): number | undefined {
  const nanos = read(text);
  return nanos === undefined ? undefined : Number(nanos) / 1e6;
}

function read(text: string): bigint | undefined {
  if (text === "0" || text === "+0" || text === "-0") return 0n;
  if (text.length > MAX_LENGTH || !WHOLE.test(text)) return undefined;
  let total = 0n;
  for (const [, whole = "", fraction = "", unit = ""] of text.matchAll(PART)) {
    const scale = UNITS[unit] as bigint;
    total += BigInt(whole || "0") * scale;
    if (fraction) total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  return text.startsWith("-") ? -total : total;
}
