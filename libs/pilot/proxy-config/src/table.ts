import type { Json } from "./dump.ts";

/** What a command shows: columns with rows, and the same resources in full. */
export interface Shown {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** The chosen resources as Envoy has them, for `-o json` and `-o yaml`: a list of messages, or the message that holds them. */
  readonly resources: readonly Json[] | Json;
  /** The full name of these messages' type. */
  readonly type: string;
}

/** Compares texts by code unit, so that the order does not depend on the machine's language. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Sorts by several keys, the first of which counts most. */
export function sorted<T>(items: readonly T[], ...keys: readonly ((item: T) => string | number)[]): T[] {
  return items.toSorted((a, b) => {
    for (const key of keys) {
      const [left, right] = [key(a), key(b)];
      if (left !== right) return left < right ? -1 : 1;
    }
    return 0;
  });
}
