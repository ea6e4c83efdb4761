import type { WorkloadRecord } from "@xebec/model-workloads";
import type { Upstream } from "./calls.ts";
import type { Node } from "./envoy.ts";

/** A pod behind a service of a lab. Its server is the one that answers under its name. */
export interface LabPod {
  readonly name: string;
  readonly ip: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly serviceAccount?: string;
  readonly locality?: string;
  /** The node that it runs on. */
  readonly node?: string;
  /** True when a proxy of the lab is in front of it: then the lab starts no server at its address, and it speaks mutual TLS. */
  readonly sidecar?: boolean;
  readonly ready?: boolean;
}

/** A Kubernetes service of a lab. */
export interface LabService {
  readonly name: string;
  readonly namespace?: string;
  /** Its cluster IP; none for a headless service. */
  readonly address?: string;
  /** Port numbers by name; the protocol is in the name, as in Istio. */
  readonly ports: Readonly<Record<string, number>>;
  readonly pods: readonly LabPod[];
  readonly created?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly internalTrafficPolicy?: "Local";
  /** The name that it stands for. */
  readonly externalName?: string;
  /** The protocol of its ports, whatever their names are. */
  readonly appProtocol?: string;
  /** Labels of the service itself. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Where it is reached from other networks. */
  readonly externalAddresses?: readonly string[];
  /** Ports there, by its own, where they are others. */
  readonly externalPorts?: Readonly<Record<number, number>>;
  /** The target port where it is another one: a number. */
  readonly targetPort?: number;
}

let hosts = 0;

/**
 * A service of a case's own, with an address of its own: HTTP on port 80, pods `NAME-v1` and `NAME-v2`, labelled `version: v1` and
 * `version: v2`.
 */
export function host(name: string, more: Partial<LabService> = {}): LabService {
  const [high, low] = [++hosts >> 8, hosts & 255];
  return {
    ...{ name, address: `10.97.${high}.${low}`, ports: { http: 80 } },
    pods: ["v1", "v2"].map((version, i) => ({
      ...{ name: `${name}-${version}`, ip: `10.${101 + i}.${high}.${low}` },
      labels: { version },
    })),
    ...more,
  };
}

/** What a registry says of a service and its pods. */
export function recordsOf(service: LabService): WorkloadRecord[] {
  const { name, namespace = "default", address, pods } = service;
  const ports = Object.entries(service.ports);
  const at = (number: number): number => service.targetPort ?? number;
  return [
    {
      ...{ type: "service", namespace, name, hostname: `${name}.${namespace}.svc.cluster.local` },
      ...(address ? { addresses: [address] } : { addresses: [], ...(service.externalName ? {} : { headless: true }) }),
      ...(service.externalName ? { externalName: service.externalName } : {}),
      ports: ports.map(([port, number]) => ({
        ...{ name: port, port: number, targetPort: at(number), protocol: "TCP" },
        ...(service.appProtocol ? { appProtocol: service.appProtocol } : {}),
      })),
      selector: { app: name },
      ...(service.created ? { creationTimestamp: service.created } : {}),
      ...(service.internalTrafficPolicy ? { internalTrafficPolicy: service.internalTrafficPolicy } : {}),
      ...(service.annotations ? { annotations: service.annotations } : {}),
      ...(service.labels ? { labels: service.labels } : {}),
      ...(service.externalAddresses ? { externalAddresses: service.externalAddresses } : {}),
      ...(service.externalPorts ? { externalPorts: service.externalPorts } : {}),
    },
    ...pods.map(
      (pod): WorkloadRecord => ({
        ...{ type: "pod", namespace, name: pod.name, uid: "", ip: pod.ip, ready: pod.ready ?? true, ports: [] },
        labels: { app: name, ...pod.labels, ...(pod.sidecar ? { "security.istio.io/tlsMode": "istio" } : {}) },
        serviceAccount: pod.serviceAccount ?? "default",
        workload: { kind: "Deployment", name },
        ...(pod.node ? { node: pod.node } : {}),
        ...(pod.locality ? { locality: pod.locality } : {}),
      }),
    ),
    {
      ...{ type: "endpoints", namespace, name },
      subsets: [
        {
          addresses: pods.map((pod) => ({ ip: pod.ip, ready: pod.ready ?? true, pod: `${namespace}/${pod.name}` })),
          ports: ports.map(([port, number]) => ({ name: port, port: at(number) })),
        },
      ],
    },
  ];
}

/** The servers behind a service's pods that have no proxy. */
export function upstreamsOf({ ports, pods, targetPort }: LabService): Upstream[] {
  const numbers = new Set(Object.values(ports).map((port) => targetPort ?? port));
  return pods
    .filter((pod) => !pod.sidecar)
    .flatMap((pod) => [...numbers].map((port) => ({ name: pod.name, at: `${pod.ip}:${port}` })));
}

/** A proxy of a lab. */
export interface LabProxy {
  /** `captured`: a sidecar whose pod's traffic is captured; `explicit`: one that its clients call; `gateway`. */
  readonly kind: "captured" | "explicit" | "gateway";
  readonly ip: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly serviceAccount?: string;
  /** Where its containers listen, of an explicit sidecar. */
  readonly app?: string;
  /** More metadata of its node. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** Port of an explicit sidecar's HTTP proxy. */
export const HTTP_PROXY_PORT = 15002;

export function nodeOf(name: string, proxy: LabProxy): Node {
  const { kind, ip, namespace = "default", labels = {}, serviceAccount = "default", app, metadata } = proxy;
  const type = kind === "gateway" ? "router" : "sidecar";
  return {
    id: `${type}~${ip}~${name}.${namespace}~${namespace}.svc.cluster.local`,
    metadata: {
      ...{ NAMESPACE: namespace, LABELS: labels, SERVICE_ACCOUNT: serviceAccount },
      ...(kind === "captured" ? { INTERCEPTION_MODE: "REDIRECT" } : { INTERCEPTION_MODE: "NONE" }),
      ...(kind === "explicit"
        ? { HTTP_PROXY_PORT: String(HTTP_PROXY_PORT), ...(app ? { APP_ADDRESS: app } : {}) }
        : {}),
      ...metadata,
    },
  };
}
