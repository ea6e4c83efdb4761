import { isVisible, type MeshService, unmergedParts } from "@xebec/pilot-registry";
import { type ServiceState, serviceSeenFrom } from "../../services/services.ts";
import { attached, unlessUnused } from "../conditions.ts";
import type { ConfigKind, ObjectCondition } from "../kind.ts";

/** A namespace that nobody can have. */
const ELSEWHERE = "";

/** The registry of ServiceEntries makes services of them; here are their conditions. */
export const serviceEntryKind = {
  group: "networking.istio.io",
  kind: "ServiceEntry",
  keys: {},
  initial: () => ({}),
  make: () => undefined,
  replace() {},
  parts: () => [],
  *conditions(snapshot, proxies) {
    for (const each of conditionsOf(snapshot)) yield unlessUnused(each, proxies);
  },
} satisfies ConfigKind<never, object, ServiceState>;

function conditionsOf(snapshot: ServiceState): ObjectCondition[] {
  const entries = new Map<string, Set<string>>();
  for (const definitions of snapshot.definitions.values())
    for (const each of definitions)
      for (const key of each.service.configKeys) {
        const found = entries.get(key) ?? new Set(each.service.unsupportedFields);
        for (const fault of unmergedParts(each, definitions)) found.add(fault);
        for (const fault of elsewhere(each.service, snapshot)) found.add(fault);
        entries.set(key, found);
      }
  return [...entries].map(([key, found]) => attached(key, [...found]));
}

/** Who has the host of a ServiceEntry for proxies of other namespaces, when it is not the entry. */
function elsewhere(service: MeshService, snapshot: ServiceState): string[] {
  if (!isVisible(service.exportTo, service.namespace, ELSEWHERE)) return [];
  const seen = serviceSeenFrom(snapshot.services.get(service.host), ELSEWHERE);
  if (!seen || seen.namespace === service.namespace) return [];
  const what = seen.kubernetes ? "the Service" : "an older ServiceEntry";
  return [`spec.hosts: outside of ${service.namespace} ${what} of the namespace ${seen.namespace} has ${service.host}`];
}
