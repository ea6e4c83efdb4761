import type { PodRecord } from "@xebec/model-workloads";
import type { KubeMetadata, KubeObject } from "@xebec/platform-kube";

interface PodSpec {
  readonly serviceAccountName?: string;
  readonly nodeName?: string;
  readonly containers?: readonly PodContainer[];
  readonly initContainers?: readonly (PodContainer & { readonly restartPolicy?: string })[];
}

interface PodContainer {
  readonly name: string;
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number; readonly protocol?: string }[];
}

interface PodStatus {
  readonly phase?: string;
  readonly podIP?: string;
  readonly hostIP?: string;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
}

/** The proxy's own ports are nobody's service. */
const PROXY = "istio-proxy";
/** Annotations that say something of the workload to the mesh. */
const READ: ReadonlySet<string> = new Set(["networking.istio.io/exportTo", "istio.io/rev", "prometheus.io/scrape"]);

/**
 * Translates a Pod (docs/reference/pilot.md §1.6); the locality is its node's, and is added where nodes are known.
 * @returns undefined for one without address, or that has ended
 */
export function podRecordOf(object: KubeObject): PodRecord | undefined {
  const { metadata } = object;
  const { serviceAccountName, nodeName, containers = [], initContainers = [] } = (object.spec ?? {}) as PodSpec;
  const { phase, podIP, hostIP, conditions } = (object.status ?? {}) as PodStatus;
  if (!podIP || phase === "Succeeded" || phase === "Failed") return undefined;
  const annotations = Object.entries(metadata.annotations ?? {}).filter(([key]) => READ.has(key));
  const serving = [...initContainers.filter(({ restartPolicy }) => restartPolicy === "Always"), ...containers];
  return {
    ...{ type: "pod", namespace: metadata.namespace ?? "", name: metadata.name, uid: metadata.uid ?? "", ip: podIP },
    labels: metadata.labels ?? {},
    ...(annotations.length > 0 ? { annotations: Object.fromEntries(annotations) } : {}),
    serviceAccount: serviceAccountName ?? "default",
    ...(nodeName ? { node: nodeName } : {}),
    ...(hostIP ? { hostIp: hostIP } : {}),
    workload: workloadOf(metadata),
    ports: serving
      .filter(({ name }) => name !== PROXY)
      .flatMap(({ name: container, ports = [] }) => ports.map((each) => ({ container, ...each })))
      .map(({ container, name, containerPort, protocol }) => ({
        ...(name ? { name } : {}),
        containerPort,
        container,
        ...(protocol && protocol !== "TCP" ? { protocol } : {}),
      })),
    ready: conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false,
  };
}

/** The owner that users know: of a ReplicaSet the Deployment, of a CronJob's Job the CronJob. */
function workloadOf({ name, labels, ownerReferences, generateName }: KubeMetadata): PodRecord["workload"] {
  const owner = ownerReferences?.find(({ controller }) => controller === true);
  if (!owner) return { kind: "Pod", name };
  const hash = labels?.["pod-template-hash"];
  if (owner.kind === "ReplicaSet" && hash && owner.name.endsWith(`-${hash}`))
    return { kind: "Deployment", name: owner.name.slice(0, -hash.length - 1) };
  if (owner.kind === "ReplicationController" && generateName && labels?.deploymentconfig)
    return { kind: "DeploymentConfig", name: labels.deploymentconfig };
  const [, cronJob] = /^(.+)-\d{8,10}$/.exec(owner.name) ?? [];
  if (owner.kind === "Job" && cronJob) return { kind: "CronJob", name: cronJob };
  return { kind: owner.kind, name: owner.name };
}

const REGION = ["topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"];
const ZONE = ["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"];
const SUBZONE = ["topology.istio.io/subzone"];

/** Labels of nodes that say where they are. */
export const PLACE_LABELS: ReadonlySet<string> = new Set([...REGION, ...ZONE, ...SUBZONE]);

/** The locality of a node by its labels, `region/zone/subzone`; empty where none is known (docs/reference/pilot.md §1.6). */
export function localityOfNode(labels: Readonly<Record<string, string>>): string {
  const first = (names: readonly string[]): string => names.map((each) => labels[each]).find(Boolean) ?? "";
  return [first(REGION), first(ZONE), first(SUBZONE)].join("/").replace(/\/+$/, "");
}
