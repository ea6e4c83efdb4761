import type { MeshService } from "@xebec/pilot-registry";
import { inboundClusters } from "../cluster/inbound-clusters.ts";
import { outboundClusters } from "../cluster/outbound-clusters.ts";
import { standardClusters, tunnelCluster } from "../cluster/standard-clusters.ts";
import { encodeClusters } from "../encode/cluster.ts";
import type { EncodedResource } from "../encode/encoded.ts";
import type { Scope } from "../scope/scope.ts";
import type { Workload } from "../scope/workload.ts";
import { type ResourceSet, resourceSet } from "./resource-set.ts";
import type { ResourceRequest } from "./resource-type.ts";

/** The clusters of a proxy: those of all services, the standard clusters, and those of the ports that its workload serves. */
export function clusters(scope: Scope, { workload }: ResourceRequest): ResourceSet {
  return scope.cachedFor("set/cds", workload, (inner, own) =>
    resourceSet([
      ...inner.cached("cds/outbound", allOutbound),
      ...inner.cached("cds/standard", (part) => encodeClusters(part, standardClusters(part))),
      ...inner.cachedFor("cds/own", own, ownClusters),
    ]),
  );
}

export function clusterLists(scope: Scope, workload: Workload): readonly (readonly EncodedResource[])[] {
  return [scope.cached("cds/outbound", allOutbound), scope.cachedFor("cds/own", workload, ownClusters)];
}

export function* prepareClusters(scope: Scope): Generator<undefined> {
  for (const service of scope.services()) {
    ofService(scope, service);
    yield;
  }
}

function allOutbound(scope: Scope): readonly EncodedResource[] {
  return scope.services().flatMap((service) => ofService(scope, service));
}

function ofService(scope: Scope, service: MeshService): readonly EncodedResource[] {
  return scope.cachedOf(`cds/${service.id}`, service, (inner) =>
    encodeClusters(inner, outboundClusters(inner, service)),
  );
}

function ownClusters(scope: Scope, workload: Workload): readonly EncodedResource[] {
  const { binding } = workload;
  if (binding.mode === "gateway") return [];
  const own = inboundClusters(scope, workload);
  const hasTunnel = binding.mode === "explicit" && binding.httpProxyPort > 0;
  return encodeClusters(scope, hasTunnel ? [...own, tunnelCluster(binding)] : own);
}
