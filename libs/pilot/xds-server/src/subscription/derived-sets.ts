import type { EncodedResource, ResourceSet } from "@xebec/pilot-xds-gen";
import { isInitialVersion, setWithInitialVersions } from "./initial-versions.ts";

/** So many sets are kept for each target; more only means that they are made again. */
const KEPT = 16;

const derived = new WeakMap<ResourceSet, Map<string, ResourceSet>>();

/** A resource that a client has in place of the target's; undefined: it has none of this name. */
export type Replacement = readonly [name: string, instead: EncodedResource | undefined];

/**
 * The target with some resources replaced, left out or added. Proxies that differ from the target in the same way get the very
 * same set, so that a refusal of a thousand proxies costs one.
 */
export function replaced(target: ResourceSet, replacements: readonly Replacement[]): ResourceSet {
  if (replacements.length === 0) return target;
  // A claim is one client's word: nobody else may get a set that holds it.
  if (replacements.some(([, instead]) => instead && isInitialVersion(instead))) return make(target, replacements);
  let known = derived.get(target);
  if (!known) {
    known = new Map();
    derived.set(target, known);
  }
  const key = JSON.stringify(replacements.map(([name, instead]) => [name, instead?.version]));
  let set = known.get(key);
  if (!set) {
    set = make(target, replacements);
    const [oldest] = known.keys();
    if (known.size >= KEPT && oldest !== undefined) known.delete(oldest);
    known.set(key, set);
  }
  return set;
}

function make(target: ResourceSet, replacements: readonly Replacement[]): ResourceSet {
  const resources = new Map<string, EncodedResource>(target.resources);
  for (const [name, instead] of replacements)
    if (instead) resources.set(name, instead);
    else resources.delete(name);
  return setWithInitialVersions([...resources.values()]);
}
