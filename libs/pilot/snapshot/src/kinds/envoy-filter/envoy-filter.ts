import type { EnvoyFilterApplyTo, EnvoyFilterSpec, Resource } from "@xebec/model-resources";
import { withReplaced } from "../../collections/by-age.ts";
import { PersistentMap } from "../../collections/persistent-map.ts";
import { type ConfigKind, namedObject } from "../kind.ts";
import { envoyFilterCondition } from "./conditions.ts";
import { type EnvoyFilter, type EnvoyFilterState, envoyFilterKeys } from "./state.ts";

export const envoyFilterKind = {
  group: "networking.istio.io",
  kind: "EnvoyFilter",
  keys: envoyFilterKeys,
  initial: (): EnvoyFilterState => ({ envoyFilters: PersistentMap.empty() }),
  make: (resource) => ({ ...namedObject(resource), spec: (resource as Resource<EnvoyFilterSpec>).spec }),
  // Their selectors make no difference between proxies by themselves: classes of proxies know what selects them.
  replace({ state, changed, batch }, before, after) {
    const { namespace = "" } = before ?? after ?? {};
    const list = withReplaced(state.envoyFilters.get(namespace) ?? [], before, after);
    state.envoyFilters = state.envoyFilters.edit([[namespace, list.length > 0 ? list : undefined]], batch);
    for (const applyTo of new Set([...targetsOf(before), ...targetsOf(after)]))
      changed.add(envoyFilterKeys.envoyFilters(namespace, applyTo));
  },
  *parts({ envoyFilters }) {
    for (const [namespace, list] of envoyFilters.entries())
      for (const each of list)
        for (const applyTo of targetsOf(each)) yield [envoyFilterKeys.envoyFilters(namespace, applyTo), each];
  },
  *conditions({ envoyFilters }, proxies) {
    for (const list of envoyFilters.values()) for (const each of list) yield envoyFilterCondition(each, proxies);
  },
} satisfies ConfigKind<EnvoyFilter, EnvoyFilterState>;

function targetsOf(filter: EnvoyFilter | undefined): readonly EnvoyFilterApplyTo[] {
  return [
    ...new Set(
      (filter?.spec.configPatches ?? []).flatMap(({ applyTo = "INVALID" }) => (applyTo === "INVALID" ? [] : applyTo)),
    ),
  ];
}
