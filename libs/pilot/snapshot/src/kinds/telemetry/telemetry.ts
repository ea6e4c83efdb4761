import { ineffectiveFields, type Resource, type TelemetrySpec } from "@xebec/model-resources";
import { withReplaced } from "../../collections/by-age.ts";
import { PersistentMap } from "../../collections/persistent-map.ts";
import { attached, ignored, unlessUnused } from "../conditions.ts";
import { type ConfigKind, type KnownProxies, namedObject, type ObjectCondition } from "../kind.ts";
import type { MeshState } from "../mesh-config/state.ts";
import { policyLabels } from "../shared/policy-selection.ts";
import { ineffectiveProviders } from "./providers.ts";
import { isForAll, type Telemetry, type TelemetryState, telemetryKeys } from "./state.ts";

export const telemetryKind = {
  group: "telemetry.istio.io",
  kind: "Telemetry",
  keys: telemetryKeys,
  initial: (): TelemetryState => ({ telemetries: PersistentMap.empty() }),
  make: (resource) => ({ ...namedObject(resource), spec: (resource as Resource<TelemetrySpec>).spec }),
  selectorLabels: policyLabels,
  replace({ state, changed, batch }, before, after) {
    const namespace = (before ?? after)?.namespace;
    if (namespace === undefined) return;
    const list = withReplaced(state.telemetries.get(namespace) ?? [], before, after);
    state.telemetries = state.telemetries.edit([[namespace, list.length > 0 ? list : undefined]], batch);
    changed.add(telemetryKeys.telemetry(namespace));
  },
  *parts({ telemetries }) {
    for (const [namespace, list] of telemetries.entries()) yield [telemetryKeys.telemetry(namespace), list];
  },
  *conditions({ telemetries, mesh }, proxies: KnownProxies) {
    for (const list of telemetries.values())
      for (const each of list) yield unlessUnused(conditionOf(each, list, mesh), proxies);
  },
} satisfies ConfigKind<Telemetry, TelemetryState, TelemetryState & MeshState>;

/** @param list those of its namespace, the oldest first */
function conditionOf(each: Telemetry, list: readonly Telemetry[], mesh: MeshState["mesh"]): ObjectCondition {
  const scope = scopeOf(each);
  const older = list.find((one) => scopeOf(one) === scope);
  if (older && older !== each)
    return ignored(
      each.key,
      "NoProxyAffected",
      `the older ${older.name} is for the same workloads; only one of them can hold`,
    );
  return attached(each.key, [
    ...ineffectiveProviders(each.spec, mesh),
    ...ineffectiveFields("telemetry.istio.io", "Telemetry", each.spec),
  ]);
}

/** The same for objects for the same workloads. */
function scopeOf(each: Telemetry): string {
  const { selector, targetRef, targetRefs } = each.spec;
  return isForAll(each) ? "" : JSON.stringify([selector?.matchLabels, targetRef, targetRefs]);
}
