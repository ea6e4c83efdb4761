/**
 * The list with an object replaced, in the order of age. It costs one pass at the most: a file may have ten thousand
 * objects for one host or Gateway.
 * @param before by its key; undefined when it is new
 */
export function withReplaced<T extends { created: string; key: string }>(
  list: readonly T[],
  before: T | undefined,
  after: T | undefined,
): readonly T[] {
  const next = [...list];
  if (before) {
    const at = placeOf(next, before);
    if (next[at]?.key === before.key) next.splice(at, 1);
  }
  if (after) next.splice(placeOf(next, after), 0, after);
  return next;
}

/** Where an object is in a list in the order of age, or would be. */
function placeOf(list: readonly { created: string; key: string }[], each: { created: string; key: string }): number {
  let [from, to] = [0, list.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (byAge(list[middle] as typeof each, each) < 0) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** The oldest first; then by name, so that the order is the same everywhere. */
export function byAge(a: { created: string; key: string }, b: { created: string; key: string }): number {
  return a.created === b.created ? (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) : a.created < b.created ? -1 : 1;
}
