import type { Deployment } from "./manifest-objects.ts";

/** A pod of a Deployment that is not being ended. */
export interface RolloutPod {
  /** Whether it was made from the template of now. */
  readonly current: boolean;
  readonly ready: boolean;
  /** Ready for `minReadySeconds`. */
  readonly available: boolean;
}

export interface RolloutPlan<P> {
  /** How many new pods of the template of now to make. */
  readonly create: number;
  readonly end: readonly P[];
}

/** What a Deployment says of its rollout, in pods. */
export interface RolloutLimits {
  readonly recreate: boolean;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

const DEFAULT = "25%";

/**
 * The limits in pods: a percentage of the replicas, the surge rounded up and the unavailable down, as Kubernetes does; when both
 * are none one pod may be unavailable.
 */
export function rolloutLimits({ replicas, strategy = {} }: Pick<Deployment, "replicas" | "strategy">): RolloutLimits {
  const { maxSurge = DEFAULT, maxUnavailable = DEFAULT } = strategy.rollingUpdate ?? {};
  const surge = podsOf(maxSurge, replicas, Math.ceil);
  const unavailable = podsOf(maxUnavailable, replicas, Math.floor);
  return {
    recreate: strategy.type === "Recreate",
    maxSurge: surge,
    maxUnavailable: surge === 0 && unavailable === 0 ? 1 : unavailable,
  };
}

function podsOf(value: number | string, replicas: number, round: (value: number) => number): number {
  if (typeof value === "number") return value;
  return round((Number(value.replace(/%$/, "")) / 100) * replicas);
}

/**
 * The next step of a rollout, as Kubernetes' Deployment controller takes it: so many pods more than wanted as `maxSurge` says, and
 * never fewer that are available than `maxUnavailable` allows.
 * @param pods those that are not being ended, in the order of their making
 * @param ending how many of an earlier template are still being ended
 */
export function planRollout<P extends RolloutPod>(
  replicas: number,
  { recreate, maxSurge, maxUnavailable }: RolloutLimits,
  pods: readonly P[],
  ending: number,
): RolloutPlan<P> {
  const old = pods.filter((pod) => !pod.current);
  const all = pods.filter((pod) => pod.current);
  const surplus = leastUseful(all).slice(0, Math.max(0, all.length - replicas));
  const current = all.filter((pod) => !surplus.includes(pod));
  const missing = replicas - current.length;
  if (recreate) return { create: old.length + ending > 0 ? 0 : missing, end: [...surplus, ...old] };
  const create =
    old.length === 0 ? missing : Math.max(0, Math.min(missing, replicas + maxSurge - current.length - old.length));
  const least = replicas - maxUnavailable;
  const available = (list: readonly P[]): number => list.filter((pod) => pod.available).length;
  // Those that serve nobody may go first, as far as that leaves room for what new ones still need.
  const spare = current.length + old.length - least - (current.length - available(current));
  const idle = old.filter((pod) => !pod.available).slice(0, Math.max(0, spare));
  const serving = old.filter((pod) => pod.available);
  const room = Math.max(0, Math.min(available(current) + serving.length - least, spare - idle.length));
  return { create, end: [...surplus, ...idle, ...serving.slice(0, room)] };
}

/** Pods that are not ready first, then the youngest. */
function leastUseful<P extends RolloutPod>(pods: readonly P[]): P[] {
  const young = pods.toReversed();
  return [...young.filter((pod) => !pod.ready), ...young.filter((pod) => pod.ready)];
}
