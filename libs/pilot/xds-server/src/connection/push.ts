import { diffOf, type Generator, type ResourceSet, type ResourceType } from "@xebec/pilot-xds-gen";
import { deferRemovals, endpointsOf, retaining, withRemoved } from "../subscription/make-before-break.ts";
import type { Subscription } from "../subscription/subscription.ts";
import type { Resumption } from "./resumption.ts";
import type { SendOutcome } from "./sender.ts";

/** What the order of a push needs of a connection. */
export interface PushTarget {
  readonly subscriptions: ReadonlyMap<string, Subscription>;
  /** The types that are served, in push order. */
  readonly types: readonly ResourceType[];
  readonly resumption: Resumption;
  /** False for gRPC's own clients, which come to clusters by listeners and routes. */
  readonly asksClustersFirst: boolean;
  /** What the client should have of a type, but for what it rejected. */
  desired(sub: Subscription, generator: Generator): ResourceSet;
  /** All clusters that it should have, whether it has asked for them yet or not. */
  clusters(generator: Generator): ResourceSet;
  /** The clusters that it came back with, the first time that it is asked. */
  resumedClusters(desired: ResourceSet): ResourceSet | undefined;
  send(sub: Subscription, next: ResourceSet): SendOutcome;
}

/**
 * Sends what is due, in the safe order (docs/xds-server.md, "The order of a push"):
 * 1. Clusters go out at once, and those that are about to go stay among them; endpoints follow.
 * 2. What leads to clusters waits until clusters and endpoints are acknowledged: Envoy acknowledges clusters when they are warm.
 * 3. Clusters leave when everything else is acknowledged.
 * @returns false when something has to wait for an answer, or for room
 */
export function push(target: PushTarget, generator: Generator): boolean {
  const { subscriptions, resumption } = target;
  const awaitsClusters = resumption.isReturning && target.asksClustersFirst && !subscriptions.has("cluster");
  let settled = !awaitsClusters;
  /** Clusters that are about to go: routes may still lead to them, so their endpoints stay until then. */
  let departing: readonly string[] = [];
  for (const type of target.types) {
    const sub = subscriptions.get(type.name);
    if (!sub?.isSubscribed) continue;
    if (!settled && type.followsClusters) return false;
    if (type.follows && (subscriptions.get(type.follows)?.state ?? "initial") === "initial") continue;
    const desired = target.desired(sub, generator);
    if (type.name === "cluster") {
      const resumed = target.resumedClusters(desired);
      if (resumed) sub.sent = sub.acked = resumed;
      departing = diffOf(sub.sent, desired).removed;
    }
    if (sub.state === "awaitingAck") {
      settled = false;
      continue;
    }
    // What is gone stays with the client, which goes on with it.
    let due = type.outlivesRemoval ? withRemoved(sub.sent, desired) : desired;
    if (type.name === "cluster") due = deferRemovals(sub, desired);
    else if (type.name === "endpoint") {
      due = retaining(sub, desired, departing);
      // Nobody knows yet which of its clusters stay: what is not served now may be one that routes still lead to.
      if (awaitsClusters) due = endpointsOf(target.clusters(generator), due);
    }
    const outcome = target.send(sub, due);
    if (outcome === "congested") return false;
    if (outcome !== "unchanged") settled = false;
  }
  const clusters = subscriptions.get("cluster");
  if (!settled || !clusters?.removalsDeferred) return settled;
  if (resumption.isReturning && !hasAskedForAll(target)) return false;
  clusters.removalsDeferred = false;
  return target.send(clusters, target.desired(clusters, generator)) === "unchanged";
}

/** True when the client has asked for everything that leads to clusters, and that every client asks for. */
function hasAskedForAll({ types, subscriptions }: PushTarget): boolean {
  return types.every(
    ({ name, followsClusters, alwaysSubscribed }) => !followsClusters || !alwaysSubscribed || subscriptions.has(name),
  );
}
