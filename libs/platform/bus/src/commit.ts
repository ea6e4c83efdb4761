import { XebecError } from "@xebec/core-errors";

/** What a source says of its entries after each revision. */
export interface Commit {
  /** Counts the revisions of the source, from 1. */
  readonly revision: number;
  /** Hash over all its entries (EntriesHash). */
  readonly hash: string;
  /** The hash of each part of its entries (`partsOf`), by name; absent where the bucket is one part, or an earlier release has written it. */
  readonly parts?: Readonly<Record<string, string>>;
}

/** A key of a bucket in revisions: an entry of a source, or the source's commit. */
export type SourceKey =
  | { readonly source: string; readonly key: string }
  | { readonly source: string; readonly key: undefined };

const HASH = /^[0-9a-f]{64}$/;
const MAX_PARTS = 500;
const SOURCE = /^[\w.-]{1,60}$/;

/** @throws XebecError invalid_argument */
export function checkSource(source: string): void {
  if (!SOURCE.test(source))
    throw new XebecError(
      "invalid_argument",
      `"${source}" is not a valid name of a source; use letters, digits, "-", "_", "."`,
    );
}

// An entry is `<source>:<key>`, a commit `<source>!`: several sources can fill one bucket and never touch each other's keys.
export function entryKey(source: string, key: string): string {
  return `${source}:${key}`;
}

export function commitKey(source: string): string {
  return `${source}!`;
}

/** @returns undefined for a key that no revision writer makes */
export function parseSourceKey(text: string): SourceKey | undefined {
  const match = /^([\w.-]{1,60})(?:!$|:(.+)$)/s.exec(text);
  return match ? ({ source: match[1] as string, key: match[2] } as SourceKey) : undefined;
}

/** The same bytes for the same commit, whatever the order of its parts. */
export function encodeCommit({ revision, hash, parts }: Commit): Uint8Array {
  const sorted = parts && Object.fromEntries(Object.entries(parts).sort(([a], [b]) => (a < b ? -1 : 1)));
  return Buffer.from(JSON.stringify({ revision, hash, parts: sorted }));
}

/** @returns undefined when the bytes are no commit */
export function decodeCommit(bytes: Uint8Array): Commit | undefined {
  try {
    const value = JSON.parse(Buffer.from(bytes).toString()) as Partial<Commit & { generation: number }> | null;
    // A bus that an earlier release has filled: its numbers go on.
    const revision = value?.revision ?? value?.generation;
    // The server can be made to write its own JSON here: nothing but a commit may be taken for one.
    if (value && Number.isSafeInteger(revision) && HASH.test(String(value.hash)) && areParts(value.parts)) {
      const { hash, parts } = value as Commit;
      return { revision: revision as number, hash, ...(parts && { parts }) };
    }
  } catch {
    return undefined; // bytes that are not JSON are no commit either
  }
  return undefined;
}

function areParts(parts: unknown): boolean {
  if (parts === undefined) return true;
  if (typeof parts !== "object" || parts === null) return false;
  const hashes = Object.values(parts);
  return hashes.length <= MAX_PARTS && hashes.every((hash) => HASH.test(String(hash)));
}
