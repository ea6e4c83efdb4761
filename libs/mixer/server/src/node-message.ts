import { fromBinary, toJson } from "@bufbuild/protobuf";
import { NodeSchema } from "@xebec/api-envoy/envoy/config/core/v3/base";
import { fieldNumbers, Wire } from "@xebec/model-attributes/wire";
import type { MessageView } from "./message-view.ts";

export interface ProxyNode {
  readonly id: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

const { id: ID, metadata: METADATA } = fieldNumbers(NodeSchema);

/**
 * Reads the parts of envoy.config.core.v3.Node that say who a proxy is. Its list of 500 extensions is stepped over: it is
 * most of the message, and every stream begins with it.
 */
export function readNode(message: MessageView, field: number): ProxyNode {
  const parts: Buffer[] = [];
  message.forEach(field, (pos, end) => {
    const wire = new Wire(message.bytes, pos, end);
    while (wire.pos < end) {
      const start = wire.pos;
      const tag = wire.uint32();
      wire.skip(tag & 7);
      if (tag >>> 3 === ID || tag >>> 3 === METADATA) parts.push(message.bytes.subarray(start, wire.pos));
    }
  });
  const node = fromBinary(NodeSchema, Buffer.concat(parts));
  const json = toJson(NodeSchema, node) as { metadata?: Record<string, unknown> };
  return { id: node.id, metadata: json.metadata ?? {} };
}
