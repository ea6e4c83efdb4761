import type { HostAddress } from "@xebec/model-resources";
import { isVisible, type MeshService, type ServiceDefinition, unmergedParts } from "@xebec/pilot-registry";
import { type ServiceState, serviceSeenFrom } from "../../services/services.ts";
import { attached, unlessUnused } from "../conditions.ts";
import type { ConfigKind } from "../kind.ts";

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
    for (const [key, hosts] of hostsByEntry(snapshot)) {
      const found = new Set(hosts.flatMap((each) => ineffectiveParts(each, snapshot)));
      const addresses = hosts.flatMap(({ definition: { service } }) => givenTo(service));
      yield {
        ...unlessUnused(attached(key, [...found]), proxies),
        ...(addresses.length > 0 ? { addresses } : {}),
      };
    }
  },
} satisfies ConfigKind<never, object, ServiceState>;

function givenTo({ host, virtualAddress }: MeshService): HostAddress[] {
  return virtualAddress ? [virtualAddress.ipv4, virtualAddress.ipv6].map((value) => ({ value, host })) : [];
}

/** One host of a ServiceEntry. */
interface EntryHost {
  readonly definition: ServiceDefinition;
  /** All definitions of the host in the entry's namespace, the oldest first. */
  readonly all: readonly ServiceDefinition[];
}

function hostsByEntry({ definitions }: ServiceState): Map<string, EntryHost[]> {
  const entries = new Map<string, EntryHost[]>();
  for (const all of definitions.values())
    for (const definition of all)
      for (const key of definition.service.configKeys) {
        const hosts = entries.get(key);
        if (hosts) hosts.push({ definition, all });
        else entries.set(key, [{ definition, all }]);
      }
  return entries;
}

function ineffectiveParts({ definition, all }: EntryHost, snapshot: ServiceState): string[] {
  const { service } = definition;
  return [...(service.unsupportedFields ?? []), ...unmergedParts(definition, all), ...elsewhere(service, snapshot)];
}

/** Who has the host of a ServiceEntry for proxies of other namespaces, when it is not the entry. */
function elsewhere(service: MeshService, snapshot: ServiceState): string[] {
  if (!isVisible(service.exportTo, service.namespace, ELSEWHERE)) return [];
  const seen = serviceSeenFrom(snapshot.services.get(service.host), ELSEWHERE, []);
  if (!seen || seen.namespace === service.namespace) return [];
  const what = seen.kubernetes
    ? "the Service"
    : seen.configKeys.length > 0
      ? "an older ServiceEntry"
      : "an older service of a registry";
  return [`spec.hosts: outside of ${service.namespace} ${what} of the namespace ${seen.namespace} has ${service.host}`];
}
