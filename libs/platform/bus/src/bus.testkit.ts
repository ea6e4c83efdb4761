// Small words of the bus's tests.

/** The signal of a start that nobody breaks off. */
export const never = new AbortController().signal;

export const text = (value: string): Uint8Array => Buffer.from(value);

/** Entries as a bucket holds them. */
export const map = (entries: Record<string, string>): Map<string, Uint8Array> =>
  new Map(Object.entries(entries).map(([key, value]) => [key, text(value)]));

/** Entries of a bucket as they read, in the order of their keys. */
export const plain = (entries: ReadonlyMap<string, Uint8Array>): Record<string, string> =>
  Object.fromEntries([...entries].sort().map(([key, value]) => [key, Buffer.from(value).toString()]));
