import { logger } from "@xebec/core-log";
import type { ServiceRecord } from "@xebec/model-workloads";
import type { KubeObject } from "@xebec/platform-kube";

const log = logger("workloads");
const ANNOTATION = "traffic.istio.io/nodeSelector";

type Labels = Readonly<Record<string, string>>;

/** A node that is reached from outside. */
export interface OuterNode {
  readonly address: string;
  readonly labels: Labels;
}

/**
 * A node with its labels, when it has an address of the type ExternalIP. Istio takes no other one.
 * @returns undefined for a node without
 */
export function outerNodeOf({ metadata: { labels = {} }, status }: KubeObject): OuterNode | undefined {
  const { addresses = [] } = (status ?? {}) as {
    readonly addresses?: readonly { readonly type?: string; readonly address?: string }[];
  };
  const address = addresses.find((each) => each.type === "ExternalIP" && each.address)?.address;
  return address ? { address, labels } : undefined;
}

/**
 * The nodes at whose ports a Service of the type NodePort is reached from outside: its annotation `traffic.istio.io/nodeSelector`, a JSON
 * object of labels (docs/reference/pilot.md §1.6). One that cannot be read selects every node, as in Istio, and is logged.
 * @returns undefined for every other Service
 */
export function nodeSelectorOf({ metadata, spec }: KubeObject): Labels | undefined {
  const text = metadata.annotations?.[ANNOTATION];
  if (text === undefined || (spec as { readonly type?: string } | undefined)?.type !== "NodePort") return undefined;
  try {
    const value: unknown = text === "" ? {} : JSON.parse(text);
    if (isLabels(value)) return value;
  } catch {
    // Said below.
  }
  log.warn(
    { service: `${metadata.namespace}/${metadata.name}`, value: text.slice(0, 200) },
    `the annotation ${ANNOTATION} is not a JSON object of labels, as {"node-role": "edge"}; every node is taken`,
  );
  return {};
}

function isLabels(value: unknown): value is Labels {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((each) => typeof each === "string")
  );
}

/**
 * The record of such a Service: its external addresses are those of the nodes, and its external ports the node ports.
 * @param record what the Service itself says
 * @param nodes all that are reached from outside
 */
export function atNodePorts(record: ServiceRecord, selector: Labels, nodes: Iterable<OuterNode>): ServiceRecord {
  const { externalAddresses: _replaced, ...rest } = record;
  const wanted = Object.entries(selector);
  const addresses = [...nodes].flatMap(({ address, labels }) =>
    wanted.every(([key, value]) => labels[key] === value) ? address : [],
  );
  const ports = record.ports.flatMap(({ port, nodePort }) => (nodePort ? [[port, nodePort]] : []));
  return {
    ...rest,
    ...(addresses.length > 0 ? { externalAddresses: [...new Set(addresses)].sort() } : {}),
    ...(ports.length > 0 ? { externalPorts: Object.fromEntries(ports) } : {}),
  };
}
