import { XebecError } from "@xebec/core-errors";
import { decodeKey, encodeKey } from "./key-codec.ts";

const BUCKET = /^[\w-]{1,60}$/;

/** @throws XebecError invalid_argument */
export function checkBucket(bucket: string): void {
  if (!BUCKET.test(bucket))
    throw new XebecError(
      "invalid_argument",
      `"${bucket}" is not a valid name of a bucket; use letters, digits, "-" and "_", 60 at most`,
    );
}

/** The stream that stores a bucket. */
export const streamOf = (bucket: string): string => `KV_${bucket}`;
/** Where values are written: `$KV.<bucket>.v.<key>`, and chunks of large values: `$KV.<bucket>.c.<hash>.<number>`. */
export const subjectsOf = (bucket: string): string => `$KV.${bucket}.>`;
/** Where the server publishes every stored entry again, with its sequence number. Nobody may publish there. */
export const changesOf = (bucket: string): string => `kv.${bucket}.>`;

export const valueSubject = (bucket: string, key: string): string => `$KV.${bucket}.v.${encodeKey(key)}`;
export const chunkSubject = (bucket: string, hash: string, i: number): string => `$KV.${bucket}.c.${hash}.${i}`;

export type EntrySubject = { readonly key: string } | { readonly hash: string; readonly chunk: number };

/** Takes a subject of a bucket apart; undefined for one that this library does not write. */
export function parseSubject(bucket: string, subject: string): EntrySubject | undefined {
  const prefix = `$KV.${bucket}.`;
  if (!subject.startsWith(prefix)) return undefined;
  const rest = subject.slice(prefix.length);
  if (rest.startsWith("v.")) return { key: decodeKey(rest.slice(2)) };
  const match = /^c\.([0-9a-f]+)\.(\d+)$/.exec(rest);
  return match ? { hash: match[1] as string, chunk: Number(match[2]) } : undefined;
}
