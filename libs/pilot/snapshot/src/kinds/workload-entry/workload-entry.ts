import type { Resource, WorkloadEntrySpec } from "@xebec/model-resources";
import { hasHealthReports, isHealthChecked } from "@xebec/pilot-registry";
import { PersistentMap } from "../../collections/persistent-map.ts";
import type { ServiceState } from "../../services/services.ts";
import { attached, ignored } from "../conditions.ts";
import { type ConfigKind, type Edit, type NamedObject, namedObject, type ObjectCondition } from "../kind.ts";

/** What is known of a WorkloadEntry besides the endpoints that services make of it. */
export interface WorkloadEntry extends NamedObject {
  /** The service account that its agent has to have; empty for any. */
  readonly serviceAccount: string;
  /** Its agent may report its health. */
  readonly hasHealthReports: boolean;
  /** It is called only while its agent reports that it is healthy. */
  readonly isHealthChecked: boolean;
}

export interface WorkloadEntryState {
  /** By key. */
  readonly workloadEntries: PersistentMap<WorkloadEntry>;
  /** Those whose agents report that they are healthy, by key. */
  readonly healthyEntries: PersistentMap<true>;
}

const keys = {
  workloadEntry: (key: string): string => `workload-entry/${key}`,
  workloadHealth: (key: string): string => `workload-health/${key}`,
} as const;

/** Takes what an agent reports of a WorkloadEntry's health. */
export function replaceHealth(
  { state, changed, batch }: Edit<WorkloadEntryState>,
  key: string,
  healthy: boolean,
): void {
  if (state.healthyEntries.has(key) === healthy) return;
  state.healthyEntries = state.healthyEntries.edit([[key, healthy ? true : undefined]], batch);
  changed.add(keys.workloadHealth(key));
}

/** The registry of ServiceEntries makes endpoints of WorkloadEntries; here are their conditions. */
export const workloadEntryKind = {
  group: "networking.istio.io",
  kind: "WorkloadEntry",
  keys,
  initial: (): WorkloadEntryState => ({
    workloadEntries: PersistentMap.empty(),
    healthyEntries: PersistentMap.empty(),
  }),
  // What registers itself is nobody's object, and has no condition.
  make: (resource) => (resource.annotations?.["istio.io/autoRegistrationGroup"] ? undefined : workloadEntry(resource)),
  replace({ state, changed, batch }, before, after) {
    const { key } = (after ?? before) as WorkloadEntry;
    state.workloadEntries = state.workloadEntries.edit([[key, after]], batch);
    changed.add(keys.workloadEntry(key));
  },
  *parts({ workloadEntries, healthyEntries }) {
    for (const [key, each] of workloadEntries.entries()) yield [keys.workloadEntry(key), each];
    for (const [key, each] of healthyEntries.entries()) yield [keys.workloadHealth(key), each];
  },
  *conditions(snapshot) {
    if (snapshot.workloadEntries.size === 0) return;
    const services = servicesByEntry(snapshot);
    for (const each of [...snapshot.workloadEntries.values()])
      yield conditionOf(each, services.get(each.key) ?? [], snapshot.healthyEntries.has(each.key));
  },
} satisfies ConfigKind<WorkloadEntry, WorkloadEntryState, WorkloadEntryState & ServiceState>;

function workloadEntry(resource: Resource): WorkloadEntry {
  const { serviceAccount = "" } = (resource as Resource<WorkloadEntrySpec>).spec;
  return {
    ...namedObject(resource),
    serviceAccount,
    hasHealthReports: hasHealthReports(resource),
    isHealthChecked: isHealthChecked(resource),
  };
}

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

function conditionOf(
  { key, isHealthChecked }: WorkloadEntry,
  hosts: readonly string[],
  isHealthy: boolean,
): ObjectCondition {
  if (isHealthChecked && !isHealthy)
    return ignored(
      key,
      "NotHealthy",
      "it is not called: proxy.istio.io/health-checks-enabled says that its agent reports its health, and it has not reported that it is healthy",
    );
  if (hosts.length > 0) return attached(key, [], `an endpoint of ${[...hosts].sort().join(", ")}`);
  return ignored(
    key,
    "NotSelected",
    "no service of its namespace selects its labels, or none that can reach its address",
  );
}
