import type { EncodedResource, ResourceSet } from "@xebec/pilot-xds-gen";
import { isInitialVersion, setWithInitialVersions } from "./initial-versions.ts";

/** Limit of the sets that are kept for each desired set; beyond it they are made again. */
const KEPT = 16;

const derived = new WeakMap<ResourceSet, Map<string, ResourceSet>>();

/** A resource that a client has instead of the desired one; undefined when it has none of this name. */
export type Replacement = readonly [name: string, instead: EncodedResource | undefined];

/**
 * The desired set with some resources replaced, left out or added. Proxies that differ from it in the same way get the same
 * object, so that the NACKs of a thousand proxies cost one set.
 */
export function replaced(desired: ResourceSet, replacements: readonly Replacement[]): ResourceSet {
  if (replacements.length === 0) return desired;
  // A version that a client named means nothing to others: no other client may get a set that contains it.
  if (replacements.some(([, instead]) => instead && isInitialVersion(instead))) return make(desired, replacements);
  let known = derived.get(desired);
  if (!known) {
    known = new Map();
    derived.set(desired, known);
  }
  const key = JSON.stringify(replacements.map(([name, instead]) => [name, instead?.version]));
  let set = known.get(key);
  if (!set) {
    set = make(desired, replacements);
    const [oldest] = known.keys();
    if (known.size >= KEPT && oldest !== undefined) known.delete(oldest);
    known.set(key, set);
  }
  return set;
}

function make(desired: ResourceSet, replacements: readonly Replacement[]): ResourceSet {
  const resources = new Map<string, EncodedResource>(desired.resources);
  for (const [name, instead] of replacements)
    if (instead) resources.set(name, instead);
    else resources.delete(name);
  return setWithInitialVersions([...resources.values()]);
}
