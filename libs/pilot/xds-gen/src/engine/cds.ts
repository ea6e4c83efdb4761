import type { MeshService } from "@xebec/pilot-registry";
import { addressClusters } from "../cluster/address-clusters.ts";
import { inboundClusters } from "../cluster/inbound-clusters.ts";
import { outboundClusters } from "../cluster/outbound-clusters.ts";
import { sniDnatClusters } from "../cluster/sni-dnat-clusters.ts";
import { standardClusters, tunnelCluster } from "../cluster/standard-clusters.ts";
import { encodeClusters } from "../encode/cluster.ts";
import type { EncodedResource } from "../encode/encoded.ts";
import { autoPassthroughHosts } from "../listener/gateway/auto-passthrough.ts";
import { addition } from "../patch/addition.ts";
import { httpProxyOf } from "../scope/http-proxy.ts";
import { NOWHERE, type Place } from "../scope/place.ts";
import type { Scope } from "../scope/scope.ts";
import type { Workload } from "../scope/workload.ts";
import { type ResourceSet, resourceSet } from "./resource-set.ts";
import type { ResourceRequest } from "./resource-type.ts";

const NONE: readonly EncodedResource[] = [];

/** The clusters of a proxy: those of all services, the standard clusters, and those of the ports that its workload serves. */
export function clusters(scope: Scope, request: ResourceRequest): ResourceSet {
  const { workload } = request;
  if (scope.cached("cds/outbound", allOutbound).placed.length === 0)
    return scope.cachedFor("set/cds", workload, (inner, own) => resourceSet(sharedClusters(inner, own)));
  const { place } = request;
  const input = { workload, place, key: `${place.key} ${workload.key}` };
  return scope.cachedFor("set/cds-at", input, (inner, own) =>
    resourceSet([...sharedClusters(inner, own.workload), ...inner.cachedFor("cds/outbound-at", own.place, outboundAt)]),
  );
}

function sharedClusters(scope: Scope, workload: Workload): readonly EncodedResource[] {
  return [
    ...scope.cached("cds/outbound", allOutbound).shared,
    ...scope.cached("cds/sni-dnat", sniDnat),
    ...scope.cached("cds/standard", standard),
    ...scope.cached("cds/added", addedClusters),
    ...scope.cachedFor("cds/own", workload, ownClusters),
  ];
}

export function clusterLists(scope: Scope, workload: Workload): readonly (readonly EncodedResource[])[] {
  const { shared, placed } = scope.cached("cds/outbound", allOutbound);
  return [
    shared,
    scope.cached("cds/sni-dnat", sniDnat),
    scope.cached("cds/standard", standard),
    scope.cached("cds/added", addedClusters),
    scope.cachedFor("cds/own", workload, ownClusters),
    // What objects are behind them is the same everywhere.
    ...(placed.length > 0 ? [scope.cachedFor("cds/outbound-at", NOWHERE, outboundAt)] : []),
  ];
}

function standard(scope: Scope): readonly EncodedResource[] {
  return encodeClusters(scope, [...standardClusters(scope), ...addressClusters(scope)]);
}

function addedClusters(scope: Scope): readonly EncodedResource[] {
  return encodeClusters(
    scope,
    scope.additions("cluster").flatMap((each) => addition(scope, each, () => each.cluster?.(scope)) ?? []),
  );
}

export function* prepareClusters(scope: Scope): Generator<undefined> {
  for (const service of scope.services()) {
    ofService(scope, service);
    yield;
  }
}

/** The clusters of all services, but for those that depend on the place of the proxy. */
interface OutboundClusters {
  readonly shared: readonly EncodedResource[];
  /** Services whose clusters depend on it. */
  readonly placed: readonly MeshService[];
}

function allOutbound(scope: Scope): OutboundClusters {
  const placed: MeshService[] = [];
  const shared = scope.services().flatMap((service) => {
    const found = ofService(scope, service);
    if (!found) placed.push(service);
    return found ?? [];
  });
  return { shared, placed };
}

function outboundAt(scope: Scope, place: Place): readonly EncodedResource[] {
  return scope
    .cached("cds/outbound", allOutbound)
    .placed.flatMap((service) => encodeClusters(scope, outboundClusters(scope, service, place) ?? []));
}

function ofService(scope: Scope, service: MeshService): readonly EncodedResource[] | undefined {
  return scope.cachedOf(`cds/${service.id}`, service, (inner) => {
    const built = outboundClusters(inner, service);
    return built && encodeClusters(inner, built);
  });
}

/** What a router passes on by the name in the handshake. */
function sniDnat(scope: Scope): readonly EncodedResource[] {
  const hosts = autoPassthroughHosts(scope);
  return hosts.length > 0 ? encodeClusters(scope, sniDnatClusters(scope, hosts)) : NONE;
}

function ownClusters(scope: Scope, workload: Workload): readonly EncodedResource[] {
  const { binding } = workload;
  if (binding.mode === "gateway") return [];
  const own = inboundClusters(scope, workload);
  const proxy = httpProxyOf(scope, binding);
  return encodeClusters(scope, proxy ? [...own, tunnelCluster(proxy)] : own);
}
