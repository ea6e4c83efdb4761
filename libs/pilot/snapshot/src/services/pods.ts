import { type PodRecord, workloadKey } from "@xebec/model-workloads";
import { PersistentMap } from "../collections/persistent-map.ts";
import type { Edit } from "../kinds/kind.ts";

/** The pods of all registries. */
export interface PodState {
  /** By `<namespace>/<name>`. */
  readonly pods: PersistentMap<PodRecord>;
  /** Pods of the host's network share their node's address; in the order of their names. */
  readonly podsByIp: PersistentMap<readonly PodRecord[]>;
}

export const podKeys = { pods: "pods" } as const;

export const NO_PODS: PodState = { pods: PersistentMap.empty(), podsByIp: PersistentMap.empty() };

/** The state in parts, each with the dependency key that a reader of the part notes. */
export function* podParts({ pods, podsByIp }: PodState): Iterable<readonly [string, unknown]> {
  for (const pod of pods.values()) yield [podKeys.pods, pod];
  for (const list of podsByIp.values()) yield [podKeys.pods, list];
}

/** Takes a pod, or its end. @param key `<namespace>/<name>` */
export function replacePod({ state, changed, batch }: Edit<PodState>, key: string, pod: PodRecord | undefined): void {
  const before = state.pods.get(key);
  if (JSON.stringify(before) === JSON.stringify(pod)) return;
  state.pods = state.pods.edit([[key, pod]], batch);
  for (const ip of new Set([before?.ip, pod?.ip])) {
    if (ip === undefined) continue;
    const rest = (state.podsByIp.get(ip) ?? []).filter((each) => each !== before);
    const list = pod?.ip === ip ? [...rest, pod].sort(byKey) : rest;
    state.podsByIp = state.podsByIp.edit([[ip, list.length > 0 ? list : undefined]], batch);
  }
  changed.add(podKeys.pods);
}

function byKey(a: PodRecord, b: PodRecord): number {
  return workloadKey(a) < workloadKey(b) ? -1 : 1;
}
