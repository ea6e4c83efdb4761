import type { PodRecord } from "@xebec/model-workloads";
import { isVisible, type MeshEndpoint, type MeshService, type ServiceDefinition } from "@xebec/pilot-registry";
import type { HostIndex } from "./host-index.ts";
import type { Mesh } from "./mesh.ts";
import type { MixerHooks } from "./mixer-hooks.ts";
import type { PersistentMap } from "./persistent-map.ts";
import type { DestinationRule, Gateway, PeerAuthentication, VirtualService } from "./rules.ts";

/**
 * Everything that generation reads, at one moment. Immutable: a push that is under way keeps its snapshot while newer ones
 * are made.
 */
export interface Snapshot {
  /** Counts up from 1 with each change of this process. */
  readonly version: number;
  readonly mesh: Mesh;
  /** What objects say of a host in a namespace, by `<host>@<namespace>`, the oldest first: what services are made of. */
  readonly definitions: PersistentMap<readonly ServiceDefinition[]>;
  /** By host; several when namespaces define the same host, the oldest first. */
  readonly services: PersistentMap<readonly MeshService[]>;
  /** By service id. */
  readonly endpoints: PersistentMap<readonly MeshEndpoint[]>;
  /** By `<namespace>/<name>`. */
  readonly pods: PersistentMap<PodRecord>;
  /** Pods of the host's network share their node's address; in the order of their names. */
  readonly podsByIp: PersistentMap<readonly PodRecord[]>;
  readonly virtualServices: HostIndex<VirtualService>;
  /** Those attached to a Gateway, by `<namespace>/<name>` of the Gateway, oldest first. */
  readonly gatewayRoutes: PersistentMap<readonly VirtualService[]>;
  readonly destinationRules: HostIndex<DestinationRule>;
  /** Oldest first. */
  readonly gateways: readonly Gateway[];
  /** By namespace, oldest first. */
  readonly peerAuthentications: PersistentMap<readonly PeerAuthentication[]>;
  readonly mixer: MixerHooks;
  /** Label names that some selector or source match reads: the labels that tell proxies apart. */
  readonly selectorLabels: ReadonlySet<string>;
}

/**
 * The dependency keys of a change. A generated resource records the keys that it read; it is made again when one of them
 * changes. `*` in place of a host means that a wildcard host changed.
 */
export const dependency = {
  mesh: "mesh",
  /** Any service came, went, or changed its definition. */
  services: "services",
  service: (host: string): string => `service/${host}`,
  endpoints: (serviceId: string): string => `endpoints/${serviceId}`,
  virtualService: (host: string): string => `vs/${host.startsWith("*") ? "*" : host}`,
  anyVirtualService: "vs",
  gatewayRoutes: (gateway: string): string => `gateway-routes/${gateway}`,
  destinationRule: (host: string): string => `dr/${host.startsWith("*") ? "*" : host}`,
  gateways: "gateways",
  peerAuthentication: (namespace: string): string => `pa/${namespace}`,
  mixer: "mixer",
  selectorLabels: "selector-labels",
  pods: "pods",
} as const;

/** The service that a proxy in `namespace` means by a host: its own namespace's first, then Kubernetes', then the oldest. */
export function serviceSeenFrom(
  services: readonly MeshService[] | undefined,
  namespace: string,
): MeshService | undefined {
  let best: MeshService | undefined;
  for (const each of services ?? []) {
    if (!isVisible(each.exportTo, each.namespace, namespace)) continue;
    if (
      !best ||
      rank(each, namespace) > rank(best, namespace) ||
      (rank(each, namespace) === rank(best, namespace) && each.created < best.created)
    )
      best = each;
  }
  return best;
}

function rank(service: MeshService, namespace: string): number {
  return (service.namespace === namespace ? 2 : 0) + (service.kubernetes ? 1 : 0);
}
