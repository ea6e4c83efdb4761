import type { MessageInitShape } from "@bufbuild/protobuf";
import type { LocalityLbEndpointsSchema } from "@xebec/api-envoy/envoy/config/endpoint/v3/endpoint_components";
import { labelsMatch, localityOf, parseCluster, parseSni } from "@xebec/model-names";
import { type MeshEndpoint, type MeshService, namedPort } from "@xebec/pilot-registry";
import type { BuiltEndpoint, BuiltLoadAssignment, BuiltLocality } from "../build/built.ts";
import { serviceRule } from "../cluster/service-rule.ts";
import { subsetLabels } from "../cluster/subset.ts";
import { effectivePolicy } from "../cluster/traffic-policy.ts";
import type { Place } from "../scope/place.ts";
import { resolutionFor } from "../scope/resolution.ts";
import type { Scope } from "../scope/scope.ts";
import { mtlsMode } from "../security/mtls.ts";
import { endpointAt, lbEndpoint } from "./lb-endpoint.ts";
import { type LocalityBalance, localityBalance, looksAtLabels } from "./locality-balance.ts";
import { balanced, byLocality, type LocalityGroup } from "./locality-groups.ts";
import { acrossNetworks, haveNetworks } from "./networks.ts";

type Localities = MessageInitShape<typeof LocalityLbEndpointsSchema>[];
type Labels = Readonly<Record<string, string>>;

const NO_OBJECTS: readonly string[] = [];

/**
 * The load assignment of an EDS cluster. A service that is unknown gets an empty assignment, so that the cluster becomes ready.
 * @param place where the client is; absent for what all clients have in common
 * @returns undefined when it depends on the place, and none is given
 */
export function loadAssignment(scope: Scope, clusterName: string, place?: Place): BuiltLoadAssignment | undefined {
  const found = outboundName(clusterName);
  const service = found && scope.service(found.host);
  const localities = service ? localitiesAt(scope, service, found, place) : [];
  return localities && { clusterName, localities, configKeys: service ? objectsOf(scope, service) : NO_OBJECTS };
}

/** Keys of the objects that a service and its endpoints came from. */
function objectsOf(scope: Scope, service: MeshService): readonly string[] {
  const entries = scope.endpoints(service).flatMap(({ configKey }) => configKey ?? []);
  return entries.length > 0 ? [...new Set([...service.configKeys, ...entries])] : service.configKeys;
}

/** What the name of a cluster says that leads to a service. */
export interface OutboundName {
  readonly port: number;
  readonly subset: string;
  readonly host: string;
  /** True for a cluster that passes the mesh's mutual TLS on: endpoints that do not speak it are none of its. */
  readonly mtlsOnly: boolean;
}

/** Takes the name of an outbound cluster apart, in either of its forms; undefined when it is none. */
export function outboundName(clusterName: string): OutboundName | undefined {
  const sni = parseSni(clusterName);
  if (sni) return { ...sni, mtlsOnly: true };
  const found = parseCluster(clusterName);
  return found?.direction === "outbound" ? { ...found, mtlsOnly: false } : undefined;
}

function localitiesAt(
  scope: Scope,
  service: MeshService,
  name: OutboundName,
  place: Place | undefined,
): BuiltLocality[] | undefined {
  if (resolutionFor(scope.proxyClass, service) !== "eds") return [];
  const { port: number, subset, mtlsOnly } = name;
  const port = service.ports.find((each) => each.number === number && each.protocol !== "UDP");
  const labels = subset ? subsetLabels(scope, service, subset) : undefined;
  if (!port || (subset && !labels)) return [];
  const groups = groupsAt(scope, service, { number, name: port.name, subset, labels, mtlsOnly }, place);
  return groups?.map(({ locality, endpoints, weight, priority }) => ({
    ...{ locality, weight, priority },
    endpoints: endpoints.map((endpoint) => builtEndpoint(scope, service, endpoint, port.name)),
  }));
}

/** A cluster of a service. */
interface ClusterPort {
  readonly number: number;
  readonly name: string;
  readonly subset: string;
  readonly labels: Labels | undefined;
  readonly mtlsOnly?: boolean;
}

/**
 * The endpoints of a service's cluster as a client in a place has them.
 * @returns undefined when it depends on the place, and none is given
 */
export function groupsAt(
  scope: Scope,
  service: MeshService,
  { number, name, subset, labels, mtlsOnly }: ClusterPort,
  place: Place | undefined,
): LocalityGroup[] | undefined {
  const found = matching(scope.endpoints(service), name, labels);
  const reached = mtlsOnly ? found.filter((each) => speaksMtls(scope, service, each, name)) : found;
  if (service.nodeLocal && !place) return undefined;
  // Of a client whose node is not known all endpoints may be local.
  const node = service.nodeLocal ? place?.node : "";
  const endpoints = node ? reached.filter((each) => each.node === node) : reached;
  const isSplit = haveNetworks(scope, endpoints);
  const all = byLocality(endpoints);
  const balance = balanceOf(scope, service, subset, number, all);
  if (!isSplit && !balance) return all;
  if (!place) return undefined;
  const isMeshed = (each: MeshEndpoint): boolean => speaksMtls(scope, service, each, name);
  const groups = isSplit ? acrossNetworks(scope, all, place, name, isMeshed) : all;
  return balance ? balanced(groups, balance, place, scope.proxyClass.labels) : groups;
}

/** How the groups are balanced; undefined where that cannot make a difference. */
function balanceOf(
  scope: Scope,
  service: MeshService,
  subset: string,
  port: number,
  groups: readonly LocalityGroup[],
): LocalityBalance | undefined {
  const isOne = groups.length < 2;
  // Most services are all in one place: what rules say of places need not be read for them.
  if (isOne && !service.trafficDistribution && !scope.hasLabelFailover()) return undefined;
  const policy = effectivePolicy(serviceRule(scope, service)?.spec, subset, port);
  const balance = localityBalance(scope, service, policy);
  return balance && (!isOne || looksAtLabels(balance)) ? balance : undefined;
}

/** Those that have the port and the labels. Without an address an endpoint is somewhere behind the gateway of its network. */
function matching(
  endpoints: readonly MeshEndpoint[],
  portName: string,
  labels: Labels | undefined,
): readonly MeshEndpoint[] {
  return endpoints.filter(
    (each) =>
      namedPort(each.ports, portName) !== undefined &&
      (each.address !== "" || each.network !== undefined) &&
      labelsMatch(labels, each.labels),
  );
}

function builtEndpoint(scope: Scope, service: MeshService, endpoint: MeshEndpoint, portName: string): BuiltEndpoint {
  const port = namedPort(endpoint.ports, portName) as number;
  return endpointAt(endpoint, port, speaksMtls(scope, service, endpoint, portName));
}

/** An endpoint speaks mutual TLS when its proxy can and its workload's policy for that port lets it. */
function speaksMtls(scope: Scope, service: MeshService, endpoint: MeshEndpoint, portName: string): boolean {
  const port = namedPort(endpoint.ports, portName);
  if (!endpoint.mtls) return false;
  const number = service.ports.find((each) => each.name === portName)?.number ?? 0;
  const target = { name: service.name, port: number, portName };
  return mtlsMode(scope, service.namespace, endpoint.labels, port, target) !== "DISABLE";
}

/** The endpoints of a DNS cluster, which are part of the cluster itself. */
export function localitiesOf(groups: readonly LocalityGroup[], portName: string): Localities {
  return groups.map(({ locality, endpoints, weight, priority }) => ({
    ...{ locality: localityOf(locality), loadBalancingWeight: weight, priority },
    lbEndpoints: endpoints.map((endpoint) =>
      lbEndpoint(endpoint, namedPort(endpoint.ports, portName) as number, endpoint.mtls),
    ),
  }));
}
