import type { Commit } from "./commit.ts";
import { HashedEntries } from "./hashed-entries.ts";

/** What a reader knows of one source. */
export interface ReaderSource {
  /** What the bucket holds now, possibly in the middle of a revision. */
  seen: HashedEntries;
  commit: Commit | undefined;
  /** Something stands where its commit was, made by nobody who may: that is no deletion. */
  disputed: boolean;
  /** Keys whose seen value may differ from the applied one; undefined: all may. */
  touched: Set<string> | undefined;
  applied: ReadonlyMap<string, Uint8Array> & Map<string, Uint8Array>;
  revision: number;
  /** The store in which it was complete last, as the server names it; empty: unknown. */
  incarnation: string;
  /** It has ended: its commit was deleted. Nobody waits for it until it commits again. */
  retired: boolean;
}

export function emptySource(): ReaderSource {
  return {
    seen: new HashedEntries(),
    commit: undefined,
    disputed: false,
    touched: undefined,
    applied: new Map(),
    revision: 0,
    incarnation: "",
    retired: false,
  };
}

export function isComplete(source: ReaderSource): boolean {
  return source.commit !== undefined && source.commit.hash === source.seen.hash;
}

/** Makes a complete source's seen entries its applied ones and collects the keys that may have changed. */
export function adopt(source: ReaderSource, keys: Set<string>): void {
  const touched = source.touched ?? new Set([...source.applied.keys(), ...source.seen.entries.keys()]);
  for (const key of touched) {
    const value = source.seen.entries.get(key);
    if (value) source.applied.set(key, value);
    else source.applied.delete(key);
    keys.add(key);
  }
  source.touched = new Set();
}

/** Ends a source. What it had is not applied any more; what the bus still holds of it is remembered. */
export function retire(source: ReaderSource, keys: Set<string>): void {
  for (const key of source.applied.keys()) keys.add(key);
  source.applied = new Map();
  source.touched = undefined;
  source.commit = undefined;
  source.retired = true;
}

/**
 * The sources that have ended: they were complete in this very store, and it holds no commit of them any more. In another store
 * the same is a loss, and the last source of a bucket is never taken for ended: an empty mesh is worse than an old one.
 * @param incarnation the store that the bus has now, wholly read
 */
export function endedSources(sources: Iterable<ReaderSource>, incarnation: string): ReaderSource[] {
  const all = [...sources].filter((each) => !each.retired);
  if (!all.some((each) => each.commit !== undefined)) return [];
  return all.filter(
    (each) =>
      each.commit === undefined && !each.disputed && each.incarnation !== "" && each.incarnation === incarnation,
  );
}
