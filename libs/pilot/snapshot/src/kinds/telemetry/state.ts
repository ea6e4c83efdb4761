import { type TelemetrySpec, targetRefsOf } from "@xebec/model-resources";
import type { PersistentMap } from "../../collections/persistent-map.ts";
import { Query } from "../../query.ts";
import type { NamedObject } from "../kind.ts";
import type { MeshState } from "../mesh-config/state.ts";
import { policySelects, type SelectedProxy } from "../shared/policy-selection.ts";

export interface Telemetry extends NamedObject {
  readonly spec: TelemetrySpec;
}

export interface TelemetryState {
  /** By namespace, the oldest first. */
  readonly telemetries: PersistentMap<readonly Telemetry[]>;
}

export const telemetryKeys = {
  telemetry: (namespace: string): string => `telemetry/${namespace}`,
} as const;

/** Says whether an object is for all workloads of its namespace, or of the mesh. */
export function isForAll({ spec }: Telemetry): boolean {
  return targetRefsOf(spec).length === 0 && Object.keys(spec.selector?.matchLabels ?? {}).length === 0;
}

const NONE: readonly Telemetry[] = [];

/**
 * What holds for a proxy, the most general first: one of the root namespace, one of its namespace, one that selects it. Of several the
 * oldest (docs/reference/pilot.md §3.10).
 */
export const telemetriesOf = new Query(
  ({ telemetries, mesh }: TelemetryState & MeshState, keys, proxy: SelectedProxy): readonly Telemetry[] => {
    const { rootNamespace } = mesh;
    const ofNamespace = (namespace: string): readonly Telemetry[] => {
      keys.add(telemetryKeys.telemetry(namespace));
      return telemetries.get(namespace) ?? NONE;
    };
    const own = ofNamespace(proxy.namespace);
    const levels = [
      proxy.namespace === rootNamespace ? undefined : ofNamespace(rootNamespace).find(isForAll),
      own.find(isForAll),
      own.find((each) => !isForAll(each) && policySelects(each, rootNamespace, proxy)),
    ];
    return levels.filter((each) => each !== undefined);
  },
);
