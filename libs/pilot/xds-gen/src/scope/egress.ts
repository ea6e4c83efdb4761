import { hostCovers, hostsOverlap } from "@xebec/model-names";
import type { MeshService } from "@xebec/pilot-registry";
import {
  dependency,
  type EgressListener,
  type Snapshot,
  serviceSeenFrom,
  type VirtualService,
} from "@xebec/pilot-snapshot";

// What an egress listener of a Sidecar covers (docs/reference/pilot.md §3.5). The keys are those of the namespaces and domains that
// its hosts name: a change of any other service makes nothing anew.

/** A listener of a Sidecar's egress with what it covers; without a Sidecar there is one, for everything. */
export interface Egress {
  readonly listener?: EgressListener;
  /** One for each host, oldest first. Of a listener with a port those that have the port. */
  readonly services: readonly MeshService[];
}

interface ReadKeys {
  add(key: string): unknown;
}

/** The services that a listener's hosts cover for a proxy of the namespace `client`. */
export function coveredServices(
  snapshot: Snapshot,
  keys: ReadKeys,
  { hosts, port }: EgressListener,
  client: string,
): readonly MeshService[] {
  const byHost = new Map<string, MeshService[]>();
  const add = (service: MeshService): void => {
    if (port && port.number > 0 && !service.ports.some(({ number }) => number === port.number)) return;
    const list = byHost.get(service.host);
    if (!list) byHost.set(service.host, [service]);
    else if (!list.includes(service)) list.push(service);
  };
  for (const each of hosts) {
    const namespace = each.namespace === "." ? client : each.namespace;
    for (const service of candidates(snapshot, keys, namespace, each.host))
      if ((namespace === "*" || service.namespace === namespace) && hostCovers(each.host, service.host)) add(service);
  }
  return [...byHost.values()].flatMap((list) => serviceSeenFrom(list, client, snapshot.mesh.exportTo.service) ?? []);
}

function candidates(snapshot: Snapshot, keys: ReadKeys, namespace: string, host: string): Iterable<MeshService> {
  if (!host.startsWith("*")) {
    keys.add(dependency.service(host));
    return snapshot.services.get(host) ?? [];
  }
  if (namespace !== "*") {
    keys.add(dependency.servicesOf(namespace));
    return snapshot.servicesByNamespace.get(namespace) ?? [];
  }
  keys.add(host.startsWith("*.") ? dependency.servicesBelow(host.slice(2)) : dependency.services);
  return [...snapshot.services.values()].flat();
}

/** The VirtualServices that a listener's hosts cover, as far as `virtualServices` can be read by less than all of them. */
export function coveredVirtualServices(
  snapshot: Snapshot,
  keys: ReadKeys,
  { hosts }: EgressListener,
  client: string,
): Set<VirtualService> {
  const found = new Set<VirtualService>();
  for (const each of hosts) {
    const namespace = each.namespace === "." ? client : each.namespace;
    const isCovered = (rule: VirtualService): boolean =>
      (namespace === "*" || rule.namespace === namespace) && rule.hosts.some((host) => hostsOverlap(each.host, host));
    if (namespace !== "*") keys.add(dependency.virtualServicesOf(namespace));
    else if (each.host.startsWith("*.")) {
      keys.add(dependency.virtualServicesBelow(each.host.slice(2)));
      keys.add(dependency.virtualService("*"));
    } else if (each.host.startsWith("*")) keys.add(dependency.anyVirtualService);
    else {
      keys.add(dependency.virtualService(each.host));
      keys.add(dependency.virtualService("*"));
    }
    for (const rule of snapshot.virtualServices.all()) if (isCovered(rule)) found.add(rule);
  }
  return found;
}
