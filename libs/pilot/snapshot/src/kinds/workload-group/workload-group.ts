import { ineffectiveFields, type Resource, type WorkloadGroupSpec } from "@xebec/model-resources";
import { PersistentMap } from "../../collections/persistent-map.ts";
import { attached } from "../conditions.ts";
import { type ConfigKind, type NamedObject, namedObject } from "../kind.ts";

/** A template of WorkloadEntries. */
export interface WorkloadGroup extends NamedObject {
  readonly spec: WorkloadGroupSpec;
}

export interface WorkloadGroupState {
  /** By key. */
  readonly workloadGroups: PersistentMap<WorkloadGroup>;
}

const keys = { workloadGroup: (key: string): string => `workload-group/${key}` } as const;

export const workloadGroupKind = {
  group: "networking.istio.io",
  kind: "WorkloadGroup",
  keys,
  initial: (): WorkloadGroupState => ({ workloadGroups: PersistentMap.empty() }),
  make: (resource) => ({ ...namedObject(resource), spec: (resource as Resource<WorkloadGroupSpec>).spec }),
  replace({ state, changed, batch }, before, after) {
    const { key } = (after ?? before) as WorkloadGroup;
    state.workloadGroups = state.workloadGroups.edit([[key, after]], batch);
    changed.add(keys.workloadGroup(key));
  },
  *parts({ workloadGroups }) {
    for (const [key, each] of workloadGroups.entries()) yield [keys.workloadGroup(key), each];
  },
  *conditions({ workloadGroups }) {
    for (const { key, spec } of workloadGroups.values())
      yield attached(
        key,
        ineffectiveFields("networking.istio.io", "WorkloadGroup", spec),
        "workloads may register themselves",
      );
  },
} satisfies ConfigKind<WorkloadGroup, WorkloadGroupState>;
