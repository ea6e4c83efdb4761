import { XebecError } from "@xebec/core-errors";

/** What a source says of its entries after each revision. */
export interface Commit {
  /** Counts the revisions of the source, from 1. */
  readonly revision: number;
  /** Hash over all its entries (EntriesHash). */
  readonly hash: string;
}

/** A key of a bucket in revisions: an entry of a source, or the source's commit. */
export type SourceKey =
  | { readonly source: string; readonly key: string }
  | { readonly source: string; readonly key: undefined };

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

export function encodeCommit({ revision, hash }: Commit): Uint8Array {
  return Buffer.from(JSON.stringify({ revision, hash }));
}

/** @returns undefined when the bytes are no commit */
export function decodeCommit(bytes: Uint8Array): Commit | undefined {
  try {
    const value = JSON.parse(Buffer.from(bytes).toString()) as Partial<Commit & { generation: number }> | null;
    // A bus that an earlier release has filled: its numbers go on.
    const revision = value?.revision ?? value?.generation;
    // The server can be made to write its own JSON here: nothing but a commit may be taken for one.
    if (value && Number.isSafeInteger(revision) && /^[0-9a-f]{64}$/.test(String(value.hash)))
      return { revision: revision as number, hash: value.hash as string };
  } catch {
    return undefined; // bytes that are not JSON are no commit either
  }
  return undefined;
}
