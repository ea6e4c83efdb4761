import { UInt32ValueSchema } from "@bufbuild/protobuf/wkt";
import { LocalitySchema } from "@xebec/api-envoy/envoy/config/core/v3/base";
import { ClusterLoadAssignmentSchema } from "@xebec/api-envoy/envoy/config/endpoint/v3/endpoint";
import {
  LbEndpointSchema,
  LocalityLbEndpointsSchema,
} from "@xebec/api-envoy/envoy/config/endpoint/v3/endpoint_components";
import { localityOf } from "@xebec/model-names";
import type { BuiltEndpoint, BuiltLoadAssignment } from "../build/built.ts";
import type { EncodedResource } from "./encoded.ts";
import { encodedResource } from "./resource.ts";
import { appendBytes, appendNumber, BinaryWriter, bytesOf } from "./wire.ts";

const { clusterName: CLUSTER_NAME, endpoints: LOCALITIES } = ClusterLoadAssignmentSchema.field;
const {
  locality: LOCALITY,
  lbEndpoints: ENDPOINTS,
  loadBalancingWeight: WEIGHT,
  priority: PRIORITY,
} = LocalityLbEndpointsSchema.field;

/** Encodes a load assignment from the bytes of its endpoints, each of which is encoded once. */
export function encodeLoadAssignment({ clusterName, localities, configKeys }: BuiltLoadAssignment): EncodedResource {
  const writer = new BinaryWriter();
  appendBytes(writer, CLUSTER_NAME.number, Buffer.from(clusterName));
  for (const { locality, endpoints, weight, priority } of localities) {
    const group = new BinaryWriter();
    appendBytes(group, LOCALITY.number, bytesOf(LocalitySchema, localityOf(locality)));
    for (const each of endpoints) appendBytes(group, ENDPOINTS.number, endpointBytes(each));
    appendBytes(group, WEIGHT.number, bytesOf(UInt32ValueSchema, { value: weight }));
    if (priority > 0) appendNumber(group, PRIORITY.number, priority);
    appendBytes(writer, LOCALITIES.number, group.finish());
  }
  return encodedResource(clusterName, writer.finish(), configKeys);
}

const encodedEndpoints = new WeakMap<BuiltEndpoint, Uint8Array>();

function endpointBytes(endpoint: BuiltEndpoint): Uint8Array {
  let bytes = encodedEndpoints.get(endpoint);
  if (!bytes) {
    bytes = bytesOf(LbEndpointSchema, endpoint.message());
    encodedEndpoints.set(endpoint, bytes);
  }
  return bytes;
}
