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
  const named = changed.filter((each) => standsIn(message, each.name));
  const proven = named.length > 0 ? named : changed.length === 1 ? [...changed] : [];
  for (const each of proven) sub.quarantine.set(each.name, { version: each.version, proven: true });
  // With the culprit gone there may be nothing to send, hence no acknowledgement, that would let the other suspects go.
  if (proven.length > 0) releaseSuspects(sub);
  else
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

/** True when a name stands in a text by itself, and not as part of a longer name: `80` is not in `outbound|80||a`. */
function standsIn(text: string, name: string): boolean {
  if (!text.includes(name)) return false;
  const literal = name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  return new RegExp(`(?<![\\w.|~*-])${literal}(?![\\w|~*-]|\\.\\w)`).test(text);
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
