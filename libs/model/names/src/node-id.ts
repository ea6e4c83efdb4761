import { XebecError } from "@xebec/core-errors";

export type NodeType = "sidecar" | "router";

/**
 * The parts of a proxy's id: `sidecar~10.0.0.7~reviews-v1-abc.default~default.svc.cluster.local` (docs/reference/pilot.md §2).
 */
export interface NodeId {
  readonly type: NodeType;
  readonly ip: string;
  readonly pod: string;
  readonly namespace: string;
  readonly domain: string;
}

/** @throws XebecError invalid_argument with the form that is expected */
export function parseNodeId(text: string): NodeId {
  const [type, ip, id, domain, ...rest] = text.split("~");
  if (rest.length === 0 && (type === "sidecar" || type === "router") && ip && id && domain !== undefined) {
    const dot = id.lastIndexOf(".");
    return {
      type,
      ip,
      pod: dot === -1 ? id : id.slice(0, dot),
      namespace: dot === -1 ? (domain.split(".")[0] ?? "") : id.slice(dot + 1),
      domain,
    };
  }
  throw new XebecError(
    "invalid_argument",
    `node id "${text.slice(0, 200)}" is not TYPE~IP~POD.NAMESPACE~DOMAIN with type sidecar or router`,
  );
}
