import { canonicalHost } from "@xebec/model-names";
import type { Resource, SidecarEgress, SidecarSpec } from "@xebec/model-resources";
import { withReplaced } from "../../collections/by-age.ts";
import { PersistentMap } from "../../collections/persistent-map.ts";
import { type ConfigKind, namedObject } from "../kind.ts";
import { type SidecarReads, sidecarConditions } from "./conditions.ts";
import { type EgressListener, type Sidecar, type SidecarState, sidecarKeys } from "./state.ts";

const EVERYTHING: readonly EgressListener[] = [{ hosts: [{ namespace: "*", host: "*" }] }];

export const sidecarKind = {
  group: "networking.istio.io",
  kind: "Sidecar",
  keys: sidecarKeys,
  initial: (): SidecarState => ({ sidecars: PersistentMap.empty() }),
  make(resource) {
    const { spec } = resource as Resource<SidecarSpec>;
    const egress = spec.egress?.length ? spec.egress.map(listenerOf) : EVERYTHING;
    return { ...namedObject(resource), spec, egress };
  },
  // Its selector makes no difference between proxies by itself: classes of proxies know their Sidecar.
  replace({ state, changed, batch }, before, after) {
    const { namespace = "", name = "" } = before ?? after ?? {};
    const list = withReplaced(state.sidecars.get(namespace) ?? [], before, after);
    state.sidecars = state.sidecars.edit([[namespace, list.length > 0 ? list : undefined]], batch);
    changed.add(sidecarKeys.sidecar(`${namespace}/${name}`));
  },
  *parts({ sidecars }) {
    for (const list of sidecars.values())
      for (const each of list) yield [sidecarKeys.sidecar(`${each.namespace}/${each.name}`), each];
  },
  conditions: sidecarConditions,
} satisfies ConfigKind<Sidecar, SidecarState, SidecarReads>;

function listenerOf({ port, bind, captureMode, hosts }: SidecarEgress): EgressListener {
  return {
    ...(port ? { port } : {}),
    ...(bind ? { bind } : {}),
    ...(captureMode ? { captureMode } : {}),
    hosts: hosts.flatMap((text) => {
      const slash = text.indexOf("/");
      const namespace = text.slice(0, slash);
      return namespace === "~" ? [] : { namespace, host: canonicalHost(text.slice(slash + 1)) };
    }),
  };
}
