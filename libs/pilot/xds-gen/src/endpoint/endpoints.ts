import type { MessageInitShape } from "@bufbuild/protobuf";
import type { LocalityLbEndpointsSchema } from "@xebec/api-envoy/envoy/config/endpoint/v3/endpoint_components";
import { labelsMatch, localityOf, parseCluster } from "@xebec/model-names";
import type { MeshEndpoint, MeshService } from "@xebec/pilot-registry";
import type { BuiltEndpoint, BuiltLoadAssignment, BuiltLocality } from "../build/built.ts";
import { subsetLabels } from "../cluster/subset.ts";
import { resolutionFor } from "../scope/resolution.ts";
import type { Scope } from "../scope/scope.ts";
import { mtlsMode } from "../security/mtls.ts";
import { endpointAt, lbEndpoint } from "./lb-endpoint.ts";

type Localities = MessageInitShape<typeof LocalityLbEndpointsSchema>[];
type Labels = Readonly<Record<string, string>>;

const MAX_UINT32 = 4_294_967_295;
const NO_OBJECTS: readonly string[] = [];

/**
 * The load assignment of an EDS cluster. A service that is unknown gets an empty assignment, so that the cluster becomes ready.
 */
export function loadAssignment(scope: Scope, clusterName: string): BuiltLoadAssignment {
  const { direction, host = "", port, subset } = parseCluster(clusterName) ?? {};
  const service = direction === "outbound" ? scope.service(host) : undefined;
  const localities = service && port !== undefined ? localitiesAt(scope, service, port, subset ?? "") : [];
  return { clusterName, localities, configKeys: service ? objectsOf(scope, service) : NO_OBJECTS };
}

/** Keys of the objects that a service and its endpoints came from. */
function objectsOf(scope: Scope, service: MeshService): readonly string[] {
  const entries = scope.endpoints(service).flatMap(({ configKey }) => configKey ?? []);
  return entries.length > 0 ? [...new Set([...service.configKeys, ...entries])] : service.configKeys;
}

function localitiesAt(scope: Scope, service: MeshService, number: number, subset: string): BuiltLocality[] {
  if (resolutionFor(scope.proxyClass, service) !== "eds") return [];
  const port = service.ports.find((each) => each.number === number && each.protocol !== "UDP");
  const labels = subset ? subsetLabels(scope, service, subset) : undefined;
  if (!port || (subset && !labels)) return [];
  return byLocality(scope.endpoints(service), port.name, labels).map(([locality, group]) => {
    let weight = 0;
    const endpoints: BuiltEndpoint[] = [];
    for (const endpoint of group) {
      weight += endpoint.weight;
      endpoints.push(builtEndpoint(scope, service, endpoint, port.name));
    }
    return { locality, endpoints, weight: Math.min(weight || 1, MAX_UINT32) };
  });
}

function byLocality(
  endpoints: readonly MeshEndpoint[],
  portName: string,
  labels: Labels | undefined,
): [string, MeshEndpoint[]][] {
  const groups = new Map<string, MeshEndpoint[]>();
  for (const endpoint of endpoints) {
    if (endpoint.ports[portName] === undefined || !labelsMatch(labels, endpoint.labels)) continue;
    // Without an address it is somewhere behind the gateway of its network.
    if (endpoint.address === "") continue;
    const group = groups.get(endpoint.locality);
    if (group) group.push(endpoint);
    else groups.set(endpoint.locality, [endpoint]);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** An endpoint speaks mutual TLS when its proxy can and its workload's policy for that port lets it. */
function builtEndpoint(scope: Scope, service: MeshService, endpoint: MeshEndpoint, portName: string): BuiltEndpoint {
  const port = endpoint.ports[portName] as number;
  const mtls = endpoint.mtls && mtlsMode(scope, service.namespace, endpoint.labels, port) !== "DISABLE";
  return endpointAt(endpoint, port, mtls);
}

/** The endpoints of a DNS cluster, which are part of the cluster itself. */
export function localitiesOf(
  endpoints: readonly MeshEndpoint[],
  portName: string,
  labels: Labels | undefined,
): Localities {
  return byLocality(endpoints, portName, labels).map(([locality, group]) => ({
    locality: localityOf(locality),
    lbEndpoints: group.map((endpoint) => lbEndpoint(endpoint, endpoint.ports[portName] as number, endpoint.mtls)),
    loadBalancingWeight: Math.min(
      group.reduce((sum, endpoint) => sum + endpoint.weight, 0),
      MAX_UINT32,
    ),
  }));
}
