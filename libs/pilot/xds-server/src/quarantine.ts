import { diffOf, type EncodedResource, type ResourceSet, resourceSet } from "@xebec/pilot-xds-gen";
import type { Subscription } from "./subscription.ts";

/** A resource that is held back from a client. */
export interface Held {
  readonly version: string;
  /** True for a culprit; false while it is only one of several that may be. */
  readonly proven: boolean;
}

/**
 * Holds back what the client's error is about: the resources that its text names. When it names none, half of what was new
 * is held as suspects, so that the culprit is found in few steps.
 * @returns the culprits that are certain now
 */
export function holdBack(sub: Subscription, message: string): EncodedResource[] {
  const changed = diffOf(sub.acked, sub.sent).changed;
  const named = changed.filter((each) => message.includes(each.name));
  const proven = named.length > 0 ? longest(named, message) : changed.length === 1 ? [...changed] : [];
  for (const each of proven) sub.quarantine.set(each.name, { version: each.version, proven: true });
  if (proven.length === 0)
    for (const each of changed.slice(0, Math.ceil(changed.length / 2)))
      sub.quarantine.set(each.name, { version: each.version, proven: false });
  return proven;
}

/** Lets half of the suspects go after the rest was accepted. @returns true when there is something to try again */
export function releaseSuspects(sub: Subscription): boolean {
  const suspects = [...sub.quarantine].filter(([, held]) => !held.proven);
  for (const [name] of suspects.slice(0, Math.ceil(suspects.length / 2))) sub.quarantine.delete(name);
  return suspects.length > 0;
}

/** Of names that are parts of each other (`a` and `a.b`) only those that stand in the text by themselves. */
function longest(named: readonly EncodedResource[], message: string): EncodedResource[] {
  return named.filter((each) => {
    let rest = message;
    for (const other of named)
      if (other.name !== each.name && other.name.includes(each.name)) rest = rest.replaceAll(other.name, "");
    return rest.includes(each.name);
  });
}

/**
 * The set with every resource that is held back replaced by the version that the client accepted before, or left out when
 * there is none. A resource that has changed since is tried again.
 */
export function withoutHeld(sub: Subscription, set: ResourceSet): ResourceSet {
  for (const [name, held] of sub.quarantine)
    if (set.resources.get(name)?.version !== held.version) sub.quarantine.delete(name);
  if (sub.quarantine.size === 0) return set;
  const kept: EncodedResource[] = [];
  for (const [name, each] of set.resources) {
    const good = sub.quarantine.has(name) ? sub.acked.resources.get(name) : each;
    if (good) kept.push(good);
  }
  return resourceSet(kept);
}
