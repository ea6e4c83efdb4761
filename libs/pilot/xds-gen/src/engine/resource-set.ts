import { contentHash, type EncodedResource } from "../encode/encoded.ts";

/** The resources of one type: immutable, and shared by all proxies with equal resources. */
export interface ResourceSet {
  /** Hash over names and versions: equal sets have equal versions on every replica. */
  readonly version: string;
  readonly resources: ReadonlyMap<string, EncodedResource>;
}

export interface ResourceDiff {
  readonly changed: readonly EncodedResource[];
  readonly removed: readonly string[];
}

export function resourceSet(resources: Iterable<EncodedResource>): ResourceSet {
  const byName = new Map<string, EncodedResource>();
  // The first of each name wins: Envoy rejects two resources with one name.
  for (const each of resources) if (!byName.has(each.name)) byName.set(each.name, each);
  let marks = "";
  for (const each of byName.values()) marks += `${each.name}=${each.version}\n`;
  return { version: contentHash(marks), resources: byName };
}

export const EMPTY_SET: ResourceSet = resourceSet([]);

const NO_DIFF: ResourceDiff = { changed: [], removed: [] };
const diffs = new WeakMap<ResourceSet, WeakMap<ResourceSet, ResourceDiff>>();

/** The difference between two sets, computed once for all proxies that move from one to the other. */
export function diffOf(before: ResourceSet, after: ResourceSet): ResourceDiff {
  if (before === after) return NO_DIFF;
  let known = diffs.get(before);
  if (!known) {
    known = new WeakMap();
    diffs.set(before, known);
  }
  let diff = known.get(after);
  if (!diff) {
    const changed: EncodedResource[] = [];
    for (const [name, each] of after.resources) {
      const old = before.resources.get(name);
      if (old !== each && old?.version !== each.version) changed.push(each);
    }
    const removed: string[] = [];
    for (const name of before.resources.keys()) if (!after.resources.has(name)) removed.push(name);
    diff = { changed, removed };
    known.set(after, diff);
  }
  return diff;
}
