import { diffOf, type EncodedResource, type ResourceSet } from "@xebec/pilot-xds-gen";
import { type Replacement, replaced } from "./derived-sets.ts";
import type { Subscription } from "./subscription.ts";

/** A resource that is held back from a client. */
export interface QuarantinedResource {
  readonly version: string;
  /** True for a culprit; false while it is only one of several that may be. */
  readonly confirmed: boolean;
  /** Keys of the configuration objects behind it. */
  readonly configKeys: readonly string[];
  /** What the client said. */
  readonly message: string;
}

/**
 * Holds back what the client's error is about: the resources that its text names. When it names none, half of what was new
 * is held as suspects, so that the culprit is found in few steps.
 * @returns the culprits that are certain now
 */
export function quarantineRejected(sub: Subscription, message: string): EncodedResource[] {
  const { changed } = diffOf(sub.acked, sub.sent);
  const hold = (each: EncodedResource, confirmed: boolean): void =>
    void sub.quarantine.set(each.name, { version: each.version, confirmed, configKeys: each.configKeys, message });
  const named = changed.filter((each) => standsIn(message, each.name));
  const confirmed = named.length > 0 ? named : changed.length === 1 ? [...changed] : [];
  for (const each of confirmed) hold(each, true);
  // With the culprit gone there may be nothing to send, hence no acknowledgement, that would let the other suspects go.
  if (confirmed.length > 0) releaseSuspected(sub);
  else for (const each of changed.slice(0, Math.ceil(changed.length / 2))) hold(each, false);
  return confirmed;
}

/** Lets half of the suspects go after the rest was accepted. @returns true when there is something to try again */
export function releaseSuspected(sub: Subscription): boolean {
  if (sub.quarantine.size === 0) return false;
  const suspects = [...sub.quarantine].filter(([, held]) => !held.confirmed);
  for (const [name] of suspects.slice(0, Math.ceil(suspects.length / 2))) sub.quarantine.delete(name);
  return suspects.length > 0;
}

/**
 * True when a name stands in a text by itself, and not as part of a longer name: `80` is not in `outbound|80||a`. Route tables
 * have numbers for names, and numbers are also ports, codes and amounts: `a.example.com:80`, `port 80`, `80 ms`.
 */
function standsIn(text: string, name: string): boolean {
  if (!text.includes(name)) return false;
  const literal = name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  const isNumber = /^\d+$/.test(name);
  const before = /^\d/.test(name) ? "(?<![\\w.|~*:-])" : "(?<![\\w.|~*-])";
  const noAmount = isNumber ? "(?<!\\b(?:port|code|status|line|column|than|most|least|after|got) )" : "";
  const noUnit = isNumber ? "(?! ?(?:ms|s|seconds|bytes|characters|%)(?!\\w))" : "";
  return new RegExp(`${before}${noAmount}${literal}(?![\\w|~*-]|\\.\\w)${noUnit}`).test(text);
}

/**
 * The set with every resource that is held back replaced by the version that the client accepted before, or left out when
 * there is none. A resource that has changed since is tried again.
 */
export function withoutQuarantined(sub: Subscription, set: ResourceSet): ResourceSet {
  if (sub.quarantine.size === 0) return set;
  const replacements: Replacement[] = [];
  for (const [name, held] of sub.quarantine)
    if (set.resources.get(name)?.version !== held.version) sub.quarantine.delete(name);
    else replacements.push([name, sub.acked.resources.get(name)]);
  return replaced(set, replacements);
}
