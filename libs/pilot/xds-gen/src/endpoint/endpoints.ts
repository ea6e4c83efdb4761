import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { UInt32ValueSchema } from "@bufbuild/protobuf/wkt";
import { LocalitySchema } from "@xebec/api-envoy/envoy/config/core/v3/base";
import { ClusterLoadAssignmentSchema } from "@xebec/api-envoy/envoy/config/endpoint/v3/endpoint";
import {
  LbEndpointSchema,
  LocalityLbEndpointsSchema,
} from "@xebec/api-envoy/envoy/config/endpoint/v3/endpoint_components";
import { labelsMatch, localityOf, parseCluster } from "@xebec/model-names";
import type { MeshEndpoint, MeshService } from "@xebec/pilot-registry";
import { subsetLabels } from "../cluster/subset.ts";
import { appendBytes, BinaryWriter, type EncodedResource, encodedBytes } from "../encode/encoded.ts";
import { socketAddress } from "../listener/socket-address.ts";
import { resolutionFor } from "../scope/resolution.ts";
import type { Scope } from "../scope/scope.ts";
import { mtlsMode } from "../security/mtls.ts";

type Localities = MessageInitShape<typeof LocalityLbEndpointsSchema>[];

const assignment = ClusterLoadAssignmentSchema.field;
const ASSIGNMENT = { clusterName: assignment.clusterName.number, endpoints: assignment.endpoints.number };
const localityGroup = LocalityLbEndpointsSchema.field;
const LOCALITY_ENDPOINTS = {
  locality: localityGroup.locality.number,
  lbEndpoints: localityGroup.lbEndpoints.number,
  loadBalancingWeight: localityGroup.loadBalancingWeight.number,
};
const { region, zone, subZone } = LocalitySchema.field;
const LOCALITY = { region: region.number, zone: zone.number, subZone: subZone.number };
const UINT32_VALUE = UInt32ValueSchema.field.value.number;
const MAX_UINT32 = 4_294_967_295;
/** How a ServiceEntry writes a socket of its own machine. */
const UNIX = "unix://";

/** Bytes of one endpoint at one port, made when it changed. Keyed by identity: the snapshot keeps unchanged endpoints. */
const encodedEndpoints = new WeakMap<MeshEndpoint, Map<string, Uint8Array>>();

/**
 * The load assignment of an EDS cluster, put together from the endpoints' own bytes. A service that is unknown gets an
 * empty assignment, so that the cluster becomes ready.
 */
export function loadAssignment(scope: Scope, clusterName: string): EncodedResource {
  const parsed = parseCluster(clusterName);
  const service = parsed?.direction === "outbound" ? scope.service(parsed.host) : undefined;
  const writer = new BinaryWriter();
  appendBytes(writer, ASSIGNMENT.clusterName, Buffer.from(clusterName));
  if (parsed && service && resolutionFor(scope.proxyClass, service) === "eds") {
    const port = service.ports.find((each) => each.number === parsed.port && each.protocol !== "UDP");
    const labels = parsed.subset ? (subsetLabels(scope, service, parsed.subset) ?? null) : undefined;
    if (port && labels !== null)
      for (const [locality, endpoints] of byLocality(scope.endpoints(service), port.name, labels)) {
        const group = new BinaryWriter();
        appendBytes(group, LOCALITY_ENDPOINTS.locality, localityBytes(locality));
        let weight = 0;
        for (const endpoint of endpoints) {
          weight += endpoint.weight;
          appendBytes(group, LOCALITY_ENDPOINTS.lbEndpoints, endpointBytes(scope, service, endpoint, port.name));
        }
        const value = new BinaryWriter().uint32(UINT32_VALUE << 3).uint32(Math.min(weight || 1, MAX_UINT32));
        appendBytes(group, LOCALITY_ENDPOINTS.loadBalancingWeight, value.finish());
        appendBytes(writer, ASSIGNMENT.endpoints, group.finish());
      }
  }
  return encodedBytes(clusterName, writer.finish(), service?.configKeys ?? []);
}

function byLocality(
  endpoints: readonly MeshEndpoint[],
  portName: string,
  labels: Readonly<Record<string, string>> | undefined,
): [string, MeshEndpoint[]][] {
  const groups = new Map<string, MeshEndpoint[]>();
  for (const endpoint of endpoints) {
    if (endpoint.ports[portName] === undefined || !labelsMatch(labels, endpoint.labels)) continue;
    const group = groups.get(endpoint.locality);
    if (group) group.push(endpoint);
    else groups.set(endpoint.locality, [endpoint]);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

function localityBytes(text: string): Uint8Array {
  const locality = localityOf(text);
  const writer = new BinaryWriter();
  for (const [part, field] of Object.entries(LOCALITY))
    if (locality[part as keyof typeof LOCALITY])
      appendBytes(writer, field, Buffer.from(locality[part as keyof typeof LOCALITY]));
  return writer.finish();
}

/** An endpoint speaks mutual TLS when its proxy can and its workload's policy for that port lets it. */
function endpointBytes(scope: Scope, service: MeshService, endpoint: MeshEndpoint, portName: string): Uint8Array {
  const port = endpoint.ports[portName] as number;
  const mtls = endpoint.mtls && mtlsMode(scope, service.namespace, endpoint.labels, port) !== "DISABLE";
  const key = `${port}/${mtls}`;
  let byPort = encodedEndpoints.get(endpoint);
  if (!byPort) {
    byPort = new Map();
    encodedEndpoints.set(endpoint, byPort);
  }
  let bytes = byPort.get(key);
  if (!bytes) {
    bytes = toBinary(LbEndpointSchema, create(LbEndpointSchema, lbEndpoint(endpoint, port, mtls)));
    byPort.set(key, bytes);
  }
  return bytes;
}

function lbEndpoint(endpoint: MeshEndpoint, port: number, mtls: boolean): MessageInitShape<typeof LbEndpointSchema> {
  return {
    hostIdentifier: {
      case: "endpoint",
      value: {
        address: endpoint.address.startsWith(UNIX)
          ? { address: { case: "pipe", value: { path: endpoint.address.slice(UNIX.length) } } }
          : socketAddress(endpoint.address, port),
      },
    },
    loadBalancingWeight: endpoint.weight,
    ...(mtls || endpoint.workload
      ? {
          metadata: {
            filterMetadata: {
              ...(mtls ? { "envoy.transport_socket_match": { tlsMode: "istio" } } : {}),
              ...(endpoint.workload ? { istio: { workload: endpoint.workload } } : {}),
            },
          },
        }
      : {}),
  };
}

/** The endpoints of a DNS cluster, which are part of the cluster itself. */
export function localitiesOf(
  endpoints: readonly MeshEndpoint[],
  portName: string,
  labels: Readonly<Record<string, string>> | undefined,
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
