/**
 * A signed 64-bit integer: a `number` when it is a safe integer, a `bigint` otherwise, so that equal integers are `===`
 * and `<` works between both forms. Also a DURATION, in nanoseconds.
 */
export type Int64 = number | bigint;

/** An instant: seconds since 1970 UTC and 0 to 999,999,999 nanoseconds. */
export interface Timestamp {
  readonly seconds: number;
  readonly nanos: number;
}

/** A map from text to text; a lookup in a request's map is recorded where the request tracks references. */
export interface StringMap {
  get(key: string): string | undefined;
  /** All entries, unrecorded. */
  entries(): Iterable<readonly [string, string]>;
}

/**
 * What an attribute or expression can hold: STRING, EMAIL_ADDRESS, URI and DNS_NAME are strings, INT64 and DURATION are
 * Int64, IP_ADDRESS is 4 or 16 bytes.
 */
export type AttributeValue = string | Int64 | boolean | Timestamp | Uint8Array | StringMap;

const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;

/** The canonical Int64 of a bigint, wrapped to 64 bits as Go's arithmetic does. */
export function int64(value: bigint): Int64 {
  const wrapped = value < MIN || value > MAX ? BigInt.asIntN(64, value) : value;
  return wrapped >= -9007199254740991n && wrapped <= 9007199254740991n ? Number(wrapped) : wrapped;
}

/** Adds with wrap-around at 64 bits. */
export function addInt64(a: Int64, b: Int64): Int64 {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return int64(BigInt(a) + BigInt(b));
}

/** A map of plain entries. */
export function stringMap(entries: Iterable<readonly [string, string]> | Readonly<Record<string, string>>): StringMap {
  return new Map(Symbol.iterator in entries ? entries : Object.entries(entries));
}

/** The map without entries. */
export const EMPTY_STRING_MAP: StringMap = stringMap([]);

/** Orders instants: negative, zero or positive. */
export function compareTimestamps(a: Timestamp, b: Timestamp): number {
  return a.seconds - b.seconds || a.nanos - b.nanos;
}
