import { PersistentMap } from "../collections/persistent-map.ts";
import type { Edit } from "../kinds/kind.ts";
import { Query } from "../query.ts";

/** What is known of a key set that was asked for at least once. */
export interface KeySet {
  /** A JSON Web Key Set; undefined when there never was one, or none for too long. */
  readonly jwks: string | undefined;
  /** Why there is none, or none newer; empty when it is up to date. */
  readonly problem: string;
}

/** Key sets that pilot has fetched. They are an input of the snapshot, as services are, and no part of any object. */
export interface KeySetState {
  /** By the id of their reference. */
  readonly keySets: PersistentMap<KeySet>;
}

/** A part of the key sets that changed at once; undefined for one that nobody wants any more. */
export type KeySetChange = ReadonlyMap<string, KeySet | undefined>;

export const keySetKeys = { keySet: (id: string): string => `jwks/${id}` } as const;

export const NO_KEY_SETS: KeySetState = { keySets: PersistentMap.empty() };

/** Takes a key set, or its end. */
export function replaceKeySet(
  { state, changed, batch }: Edit<KeySetState>,
  id: string,
  keySet: KeySet | undefined,
): void {
  const before = state.keySets.get(id);
  if (before?.jwks === keySet?.jwks && before?.problem === keySet?.problem) return;
  state.keySets = state.keySets.edit([[id, keySet]], batch);
  changed.add(keySetKeys.keySet(id));
}

/** The state in parts, each with the dependency key that a reader of the part notes. */
export function* keySetParts({ keySets }: KeySetState): Iterable<readonly [string, unknown]> {
  for (const [id, keySet] of keySets.entries()) yield [keySetKeys.keySet(id), keySet];
}

/** The keys of a reference; undefined while there are none. */
export const keysOf = new Query(({ keySets }: KeySetState, keys, id: string): string | undefined => {
  keys.add(keySetKeys.keySet(id));
  return keySets.get(id)?.jwks;
});
