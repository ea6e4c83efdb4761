// Helpers of the tests of the bus.
import { type Bus, createRevisionReader, type RevisionChange, type RevisionReader } from "./index.ts";

/** The signal of a start that nobody breaks off. */
export const never = new AbortController().signal;

export const text = (value: string): Uint8Array => Buffer.from(value);

/** Entries as a bucket holds them. */
export const map = (entries: Record<string, string>): Map<string, Uint8Array> =>
  new Map(Object.entries(entries).map(([key, value]) => [key, text(value)]));

/** Entries of a bucket as they read, in the order of their keys. */
export const plain = (entries: ReadonlyMap<string, Uint8Array>): Record<string, string> =>
  Object.fromEntries([...entries].sort().map(([key, value]) => [key, Buffer.from(value).toString()]));

/** A reader of the bucket `b` with the changes that it applies. @param cacheFile of last known good entries */
export async function reading(
  bus: Bus,
  cacheFile?: string,
): Promise<{ reader: RevisionReader; changes: RevisionChange[] }> {
  const changes: RevisionChange[] = [];
  const reader = createRevisionReader({ bus, bucket: "b", cacheFile, apply: (change) => changes.push(change) });
  await reader.start(never);
  return { reader, changes };
}
