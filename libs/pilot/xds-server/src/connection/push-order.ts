import { diffOf, type ResourceSet, type XdsType } from "@xebec/pilot-xds-gen";
import { replaced } from "../subscription/derived-sets.ts";
import type { Subscription } from "../subscription/subscription.ts";

/** The order in which changes reach a proxy, so that nothing refers to what is not there yet. */
export const PUSH_ORDER: readonly XdsType[] = ["cluster", "endpoint", "extensionconfig", "listener", "route"];

/** What leads to clusters, and so has to wait for them. */
export const FOLLOWERS: readonly XdsType[] = ["extensionconfig", "listener", "route"];
/** What every client with routes asks for sooner or later. */
export const LEADING: readonly XdsType[] = ["listener", "route"];

/** Clusters and listeners are always wanted as a whole. */
export function isWildcard(type: XdsType): boolean {
  return type === "cluster" || type === "listener";
}

/** True when the client wants anything of the type: all of it, or names. */
export function isSubscribed(sub: Subscription): boolean {
  return isWildcard(sub.type) || (sub.names?.names.length ?? 0) > 0;
}

/**
 * What is due of the clusters: those that go are kept until routes and listeners that no longer use them were accepted. The same
 * for a client that comes back with clusters of an earlier stream.
 */
export function withRemovals(sub: Subscription, target: ResourceSet): ResourceSet {
  const { removed } = diffOf(sub.sent, target);
  sub.removalsHeld = removed.length > 0;
  return withRemoved(sub.sent, target);
}

/** The target with everything that was there before. */
export function withRemoved(before: ResourceSet, target: ResourceSet): ResourceSet {
  const { removed, changed } = diffOf(before, target);
  if (removed.length === 0) return target;
  if (changed.length === 0) return before;
  return replaced(
    target,
    removed.map((name) => [name, before.resources.get(name)]),
  );
}

/**
 * The set with the endpoints of clusters that are about to go as they were sent last. A client that came back with such
 * clusters has endpoints for them that nobody here knows: it is sent none, and keeps its own.
 */
export function retaining(sub: Subscription, target: ResourceSet, names: readonly string[]): ResourceSet {
  return replaced(
    target,
    names.filter((name) => target.resources.has(name)).map((name) => [name, sub.sent.resources.get(name)]),
  );
}

/** The set without the endpoints of clusters that there are not. */
export function endpointsOf(clusters: ResourceSet, target: ResourceSet): ResourceSet {
  const unknown = [...target.resources.keys()].filter((name) => !clusters.resources.has(name));
  return replaced(
    target,
    unknown.map((name) => [name, undefined]),
  );
}
