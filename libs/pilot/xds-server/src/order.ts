import { diffOf, type ResourceSet, type XdsType } from "@xebec/pilot-xds-gen";
import { replaced } from "./derived-sets.ts";
import type { Subscription } from "./subscription.ts";

/** The order in which changes reach a proxy, so that nothing refers to what is not there yet. */
export const PUSH_ORDER: readonly XdsType[] = ["cluster", "endpoint", "listener", "route"];

/** Clusters and listeners are always wanted as a whole. */
export function isWildcard(type: XdsType): boolean {
  return type === "cluster" || type === "listener";
}

/** True when the client wants anything of the type: all of it, or names. */
export function isAsked(sub: Subscription): boolean {
  return isWildcard(sub.type) || (sub.names?.names.length ?? 0) > 0;
}

/**
 * What is due of the clusters: those that go are kept until routes and listeners that no longer use them were accepted. The same
 * for a client that comes back with clusters of an earlier stream.
 */
export function withRemovals(sub: Subscription, target: ResourceSet): ResourceSet {
  const { removed, changed } = diffOf(sub.sent, target);
  sub.removalsHeld = removed.length > 0;
  if (removed.length === 0) return target;
  if (changed.length === 0) return sub.sent;
  return replaced(
    target,
    removed.map((name) => [name, sub.sent.resources.get(name)]),
  );
}

/** The set with the resources of these names as they were sent last: endpoints of clusters that are about to go. */
export function keeping(sub: Subscription, target: ResourceSet, names: readonly string[]): ResourceSet {
  if (names.length === 0) return target;
  const kept = names.flatMap((name) => {
    const sent = sub.sent.resources.get(name);
    return sent && target.resources.has(name) ? [[name, sent] as const] : [];
  });
  return replaced(target, kept);
}
