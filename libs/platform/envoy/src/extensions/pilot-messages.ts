import { fromJson, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import type { EnvoyNode } from "../node.ts";
import { field } from "./wire.ts";

// What an agent says to pilot on streams of its own (envoy.service.discovery.v3), by the field numbers of Envoy's API.

export const DELTA_METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
/** DeltaDiscoveryRequest. */
export const DELTA_REQUEST = { node: 1, typeUrl: 2, subscribe: 3, unsubscribe: 4, nonce: 6, error: 7 } as const;

const INVALID_ARGUMENT = 3;
const NODE = { id: 1, cluster: 2, metadata: 3, locality: 4, userAgent: 6 };

/** The node message. */
export function encodedNode({ id, cluster, locality, metadata }: EnvoyNode): Uint8Array {
  return Buffer.concat([
    field(NODE.id, id),
    field(NODE.cluster, cluster),
    field(NODE.metadata, toBinary(StructSchema, fromJson(StructSchema, metadata as JsonObject))),
    ...(locality
      ? [
          field(
            NODE.locality,
            Buffer.concat([field(1, locality.region), field(2, locality.zone), field(3, locality.sub_zone)]),
          ),
        ]
      : []),
    field(NODE.userAgent, "xebec-agent"),
  ]);
}

/** google.rpc.Status. */
export function status(message: string): Uint8Array {
  return Buffer.concat([
    new BinaryWriter().tag(1, WireType.Varint).int32(INVALID_ARGUMENT).finish(),
    field(2, message),
  ]);
}
