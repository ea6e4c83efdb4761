import { PersistentMap } from "../../collections/persistent-map.ts";
import type { ServiceState } from "../../services/services.ts";
import { attached, ignored } from "../conditions.ts";
import { type ConfigKind, type NamedObject, namedObject, type ObjectCondition } from "../kind.ts";

export interface WorkloadEntryState {
  /** By key. What services make of them is in their endpoints. */
  readonly workloadEntries: PersistentMap<NamedObject>;
}

const keys = { workloadEntry: (key: string): string => `workload-entry/${key}` } as const;

/** The registry of ServiceEntries makes endpoints of WorkloadEntries; here are their conditions. */
export const workloadEntryKind = {
  group: "networking.istio.io",
  kind: "WorkloadEntry",
  keys,
  initial: (): WorkloadEntryState => ({ workloadEntries: PersistentMap.empty() }),
  // What registers itself is nobody's object, and has no condition.
  make: (resource) => (resource.annotations?.["istio.io/autoRegistrationGroup"] ? undefined : namedObject(resource)),
  replace({ state, changed, batch }, before, after) {
    const { key } = (after ?? before) as NamedObject;
    state.workloadEntries = state.workloadEntries.edit([[key, after]], batch);
    changed.add(keys.workloadEntry(key));
  },
  *parts({ workloadEntries }) {
    for (const [key, each] of workloadEntries.entries()) yield [keys.workloadEntry(key), each];
  },
  *conditions(snapshot) {
    if (snapshot.workloadEntries.size === 0) return;
    const services = servicesByEntry(snapshot);
    for (const key of [...snapshot.workloadEntries.entries()].map(([each]) => each))
      yield conditionOf(key, services.get(key) ?? []);
  },
} satisfies ConfigKind<NamedObject, WorkloadEntryState, WorkloadEntryState & ServiceState>;

/** The hosts that have each WorkloadEntry among their endpoints, by its key. */
function servicesByEntry({ services, endpoints }: ServiceState): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const list of services.values())
    for (const { id, host } of list)
      for (const { configKey } of endpoints.get(id) ?? []) {
        if (configKey === undefined) continue;
        const hosts = found.get(configKey);
        if (!hosts) found.set(configKey, [host]);
        else if (!hosts.includes(host)) hosts.push(host);
      }
  return found;
}

function conditionOf(key: string, hosts: readonly string[]): ObjectCondition {
  if (hosts.length > 0) return attached(key, [], `an endpoint of ${[...hosts].sort().join(", ")}`);
  return ignored(
    key,
    "NotSelected",
    "no service of its namespace selects its labels, or none that can reach its address",
  );
}
