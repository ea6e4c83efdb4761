import { type EncodedResource, isUnpatched, type ResourceSet } from "@xebec/pilot-xds-gen";
import { composed, partNamed, withoutPatches } from "./composed.ts";
import { type Replacement, replaced } from "./derived-sets.ts";
import type { Subscription } from "./subscription.ts";
import { type Suspect, suspectsOf } from "./suspects.ts";

/**
 * After so many NACKs in a row many things are wrong at once: whole resources are suspected instead of parts. One of ten
 * thousand parts is found in fourteen.
 */
const MOST_BY_PART = 16;

/**
 * Quarantines what the client's error is about: the resources, or the parts of them, that its message mentions. When it mentions
 * none, half of what was new is quarantined as suspected, so that the cause is found in few steps.
 * @returns what is certain now; what may be the cause when nothing is certain
 */
export function quarantineRejected(sub: Subscription, message: string): readonly Suspect[] {
  const suspects = suspectsOf(sub.acked, sub.sent, message, sub.rejections < MOST_BY_PART);
  const confirmed =
    suspects.some(({ isMentioned }) => isMentioned) ||
    (suspects.length === 1 && suspects.every((each) => each.isSufficient));
  const taken = confirmed ? suspects : suspects.slice(0, Math.ceil(suspects.length / 2));
  for (const { resource, part, version, configKeys } of taken) {
    const rejected = sub.sent.resources.get(resource);
    const bare = part === undefined && rejected !== undefined && isUnpatched(rejected);
    sub.quarantine.set(keyOf(resource, part), { resource, part, version, configKeys, bare, message, confirmed });
  }
  const whole = new Set(taken.filter(({ part }) => confirmed && part === undefined).map(({ resource }) => resource));
  // A resource that stays away as a whole hides its parts: whether they are the cause is seen when it is back.
  if (whole.size > 0)
    for (const [key, { resource, part }] of sub.quarantine)
      if (part !== undefined && whole.has(resource)) sub.quarantine.delete(key);
  // With what is certain gone there may be nothing to send, hence no ACK, that would release the others.
  if (confirmed) releaseSuspected(sub);
  return suspects;
}

function keyOf(resource: string, part: string | undefined): string {
  return part === undefined ? resource : `${resource}\n${part}`;
}

/** Releases half of what is suspected after the rest was accepted. @returns true when there is something to try again */
export function releaseSuspected(sub: Subscription): boolean {
  if (sub.quarantine.size === 0) return false;
  const suspected = [...sub.quarantine].filter(([, { confirmed }]) => !confirmed);
  for (const [key, { resource }] of suspected.slice(0, Math.ceil(suspected.length / 2))) {
    sub.quarantine.delete(key);
    // As long as its whole resource stays away, nobody can see whether a part is accepted.
    if (sub.quarantine.get(resource)?.confirmed === false) sub.quarantine.delete(resource);
  }
  return suspected.length > 0;
}

/**
 * The set with everything that is quarantined as the client accepted it before, or without it when it accepted none. What has
 * changed since is tried again.
 */
export function withoutQuarantined(sub: Subscription, set: ResourceSet): ResourceSet {
  if (sub.quarantine.size === 0) return set;
  const replacements = new Map<string, EncodedResource | undefined>();
  const parts = new Map<string, string[]>();
  for (const [key, { resource: name, part, version, bare }] of sub.quarantine) {
    const resource = set.resources.get(name);
    const now = part === undefined ? resource : resource && partNamed(resource, part);
    if (now?.version !== version) sub.quarantine.delete(key);
    else if (part === undefined)
      replacements.set(
        name,
        sub.acked.resources.get(name) ?? (resource && !bare ? withoutPatches(resource) : undefined),
      );
    else parts.set(name, [...(parts.get(name) ?? []), part]);
  }
  for (const [name, list] of parts) {
    const resource = set.resources.get(name);
    if (resource && !replacements.has(name))
      replacements.set(name, composed(resource, sub.acked.resources.get(name), list));
  }
  return replaced(set, [...replacements] satisfies Replacement[]);
}
