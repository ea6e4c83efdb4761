import { diffOf, type ResourceSet } from "@xebec/pilot-xds-gen";
import { replaced } from "./derived-sets.ts";
import type { Subscription } from "./subscription.ts";

/**
 * What is due of the clusters: those that go are served until routes and listeners that no longer use them were accepted. The
 * same for a client that comes back with clusters of an earlier stream.
 */
export function deferRemovals(sub: Subscription, desired: ResourceSet): ResourceSet {
  const { removed } = diffOf(sub.sent, desired);
  sub.removalsDeferred = removed.length > 0;
  return withRemoved(sub.sent, desired);
}

/** The desired resources with everything that was there before. */
export function withRemoved(before: ResourceSet, desired: ResourceSet): ResourceSet {
  const { removed, changed } = diffOf(before, desired);
  if (removed.length === 0) return desired;
  if (changed.length === 0) return before;
  return replaced(
    desired,
    removed.map((name) => [name, before.resources.get(name)]),
  );
}

/**
 * The desired resources with the endpoints of clusters that are about to go as they were sent last. A client that came back with
 * such clusters has endpoints for them that nobody here knows: it is sent none, and keeps its own.
 */
export function retaining(sub: Subscription, desired: ResourceSet, names: readonly string[]): ResourceSet {
  return replaced(
    desired,
    names.filter((name) => desired.resources.has(name)).map((name) => [name, sub.sent.resources.get(name)]),
  );
}

/** The desired endpoints without those of clusters that there are not. */
export function endpointsOf(clusters: ResourceSet, desired: ResourceSet): ResourceSet {
  const unknown = [...desired.resources.keys()].filter((name) => !clusters.resources.has(name));
  return replaced(
    desired,
    unknown.map((name) => [name, undefined]),
  );
}
