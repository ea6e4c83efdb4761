import type { PodRecord, WorkloadRecord } from "@xebec/model-workloads";
import { wantsInjection } from "./injection.ts";
import type { ClusterObject, Deployment } from "./manifest-objects.ts";
import { serviceRecords } from "./records.ts";

/** A pod as a cluster would make it of a Deployment, with an address of Kubernetes' usual network for pods. */
export interface PlannedPod {
  readonly record: PodRecord;
  readonly deployment: string;
  /** A gateway, whose proxy stands alone. */
  readonly isRouter: boolean;
  readonly hasProxy: boolean;
}

const PROXY = "istio-proxy";
const PODS_OF_NODE = 254;

/** The pods of manifests that nothing runs: all are ready. */
export function plannedPods(objects: readonly ClusterObject[]): PlannedPod[] {
  const namespaces = new Map(
    objects.flatMap((each) => (each.kind === "Namespace" ? [[each.metadata.name, each.metadata.labels] as const] : [])),
  );
  let count = 0;
  return objects.flatMap((each) => {
    if (each.kind !== "Deployment") return [];
    return Array.from({ length: each.replicas }, (_, i) => {
      const number = count++;
      const ip = `10.244.${Math.floor(number / PODS_OF_NODE)}.${(number % PODS_OF_NODE) + 1}`;
      return plannedPod(each, i, ip, namespaces.get(each.metadata.namespace) ?? {});
    });
  });
}

function plannedPod(
  { metadata, template }: Deployment,
  index: number,
  ip: string,
  namespaceLabels: Readonly<Record<string, string>>,
): PlannedPod {
  const labels = template.metadata?.labels ?? {};
  const proxy = template.spec.containers.find(({ name }) => name === PROXY);
  const hasProxy = proxy !== undefined || wantsInjection(namespaceLabels, labels);
  return {
    deployment: metadata.name,
    isRouter:
      proxy?.args?.includes("router") === true || template.spec.containers.some(({ image }) => image === "auto"),
    hasProxy,
    record: {
      ...{ type: "pod", namespace: metadata.namespace, name: `${metadata.name}-${index}`, uid: "", ip },
      labels: hasProxy ? { ...labels, "security.istio.io/tlsMode": "istio" } : labels,
      annotations: template.metadata?.annotations ?? {},
      serviceAccount: template.spec.serviceAccountName ?? "default",
      workload: { kind: "Deployment", name: metadata.name },
      ports: template.spec.containers.flatMap(({ ports = [] }) => [...ports]),
      ready: true,
    },
  };
}

/** What a registry would say of manifests whose pods are these. */
export function plannedRecords(objects: readonly ClusterObject[], pods: readonly PlannedPod[]): WorkloadRecord[] {
  const records = pods.map(({ record }) => record);
  return [...records, ...objects.flatMap((each) => (each.kind === "Service" ? serviceRecords(each, records) : []))];
}
