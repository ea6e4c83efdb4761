import { ineffectiveFields } from "@xebec/model-resources";
import type { ServiceState } from "../../services/services.ts";
import { attached, ignored } from "../conditions.ts";
import type { KnownProxies, ObjectCondition } from "../kind.ts";
import type { MeshState } from "../mesh-config/state.ts";
import type { VirtualServiceState } from "../virtual-service/state.ts";
import { hasLabels, type Sidecar, type SidecarState, sidecarFor } from "./state.ts";

export type SidecarReads = SidecarState & MeshState & ServiceState & VirtualServiceState;

/** For which proxies each Sidecar holds, and what of it covers nothing. */
export function* sidecarConditions(snapshot: SidecarReads, proxies: KnownProxies): Generator<ObjectCondition> {
  const { sidecars, mesh } = snapshot;
  const inUse = proxies.use && new Set(proxies.use.sidecars.map((each) => sidecarFor(snapshot, each)));
  for (const list of sidecars.values())
    for (const each of list) {
      const older = hasLabels(each.spec) ? undefined : list.find(({ spec }) => !hasLabels(spec));
      const parts = [
        ...ineffectiveFields("networking.istio.io", "Sidecar", each.spec),
        ...coveringNothing(snapshot, each),
      ];
      if (older && older !== each)
        yield ignored(
          each.key,
          "NoProxyAffected",
          `the older Sidecar ${older.namespace}/${older.name} holds for the namespace`,
        );
      else if (hasLabels(each.spec) && each.namespace === mesh.rootNamespace && inUse && !inUse.has(each))
        yield ignored(each.key, "NoProxyAffected", "with labels it is only for proxies of its own namespace");
      else if (inUse && inUse.size > 0 && !inUse.has(each))
        yield ignored(each.key, "NoProxyAffected", "no proxy that is connected is one that it holds for");
      else yield attached(each.key, parts);
    }
}

/** Hosts without a wildcard that neither a service nor a VirtualService has: a short name, or a name of another namespace. */
function* coveringNothing({ services, virtualServices }: SidecarReads, { egress }: Sidecar): Generator<string> {
  for (const [i, { hosts }] of egress.entries())
    for (const [j, { namespace, host }] of hosts.entries()) {
      if (host.startsWith("*")) continue;
      const isThere = [...(services.get(host) ?? []), ...virtualServices.exact(host)].some(
        (each) => namespace === "*" || namespace === "." || each.namespace === namespace,
      );
      if (!isThere)
        yield `spec.egress[${i}].hosts[${j}]: there is no ${host}${host.includes(".") ? "" : "; write the full name"}`;
    }
}
