import { XebecError } from "@xebec/core-errors";

/**
 * What a registry (the local runner, Kubernetes, Consul) publishes about services and workloads: the values of the bucket
 * `workloads`, JSON under the keys `service/<ns>/<name>`, `endpoints/<ns>/<name>`, `pod/<ns>/<name>`, `node/<name>`.
 */
export type WorkloadRecord = ServiceRecord | EndpointsRecord | PodRecord | NodeRecord;

export interface ServicePort {
  readonly name: string;
  readonly port: number;
  /** A container's port number, or the name of one. */
  readonly targetPort: number | string;
  readonly protocol: "TCP" | "UDP" | "SCTP";
  readonly appProtocol?: string;
  readonly nodePort?: number;
}

export interface ServiceRecord {
  readonly type: "service";
  readonly namespace: string;
  readonly name: string;
  /** Fully qualified: `reviews.default.svc.cluster.local`. */
  readonly hostname: string;
  /** Cluster IPs; empty for a headless service. */
  readonly addresses: readonly string[];
  readonly headless?: boolean;
  /** Where the service is reached from outside: its external IPs, and the addresses or host names of its load balancer; or nodes. */
  readonly externalAddresses?: readonly string[];
  /** Ports of the external addresses, by the Service's own, where they are others: those of nodes. */
  readonly externalPorts?: Readonly<Record<number, number>>;
  readonly externalName?: string;
  /** `Local`: only endpoints on the client's own node are called. */
  readonly internalTrafficPolicy?: "Cluster" | "Local";
  /** `PreferClose`, `PreferSameZone` or `PreferSameNode`. */
  readonly trafficDistribution?: string;
  readonly ports: readonly ServicePort[];
  readonly selector?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** RFC 3339. */
  readonly creationTimestamp?: string;
}

export interface EndpointAddress {
  readonly ip: string;
  readonly ready: boolean;
  /** The pod behind it, `<ns>/<name>`; absent for an address without pod. */
  readonly pod?: string;
}

/** The addresses of a service, as Kubernetes' endpoints controller (or the local runner) computes them. */
export interface EndpointsRecord {
  readonly type: "endpoints";
  /** Namespace and name of the service. */
  readonly namespace: string;
  readonly name: string;
  /** Sets of addresses that serve the same ports; a port is found by the service port's name. */
  readonly subsets: readonly {
    readonly addresses: readonly EndpointAddress[];
    readonly ports: readonly { readonly name: string; readonly port: number }[];
  }[];
}

export interface PodRecord {
  readonly type: "pod";
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Where others reach it: the proxy's address. */
  readonly ip: string;
  /** Where its containers listen when that is another address (interception NONE on a shared loopback). */
  readonly appIp?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  readonly node?: string;
  /** The address of its node. */
  readonly hostIp?: string;
  /** What the pod's `hostname` and `subdomain` say: its name in DNS below the headless service `subdomain`. */
  readonly hostname?: string;
  readonly subdomain?: string;
  /** `region/zone/subzone`. */
  readonly locality?: string;
  /** The owner that users know: the Deployment, not its ReplicaSet. */
  readonly workload: { readonly kind: string; readonly name: string };
  readonly ports: readonly {
    readonly name?: string;
    readonly containerPort: number;
    readonly protocol?: string;
    /** The container that has it. */
    readonly container?: string;
  }[];
  readonly ready: boolean;
}

export interface NodeRecord {
  readonly type: "node";
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** The key of a record in the bucket `workloads`. */
export function workloadKey(record: WorkloadRecord): string {
  return record.type === "node" ? `node/${record.name}` : `${record.type}/${record.namespace}/${record.name}`;
}

/** Encodes a record for the bus. */
export function encodeWorkloadRecord(record: WorkloadRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record));
}

/** @throws XebecError data_loss when the bytes are no record */
export function decodeWorkloadRecord(bytes: Uint8Array): WorkloadRecord {
  try {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
    const value = JSON.parse(text) as WorkloadRecord;
    if (["service", "endpoints", "pod", "node"].includes(value.type) && typeof value.name === "string") return value;
  } catch (error) {
    throw new XebecError("data_loss", "a value of the bucket `workloads` is not JSON", { cause: error });
  }
  throw new XebecError("data_loss", "a value of the bucket `workloads` is not a workload record");
}
