import type { Workload } from "@xebec/mixer-sdk";
import { type AttributeValue, EMPTY_STRING_MAP, type StringMap, stringMap } from "@xebec/model-attributes";
import type { PodRecord } from "@xebec/model-workloads";
import { BoundedCache } from "./bounded-cache.ts";

/** One side of a call, as far as it is known. */
export interface PeerInfo {
  readonly uid?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: StringMap;
  readonly serviceAccount?: string;
  readonly owner?: string;
  readonly workloadUid?: string;
  readonly workloadName?: string;
  readonly workloadNamespace?: string;
}

/** Which property of a peer an attribute is, by the attribute's name after `source.` or `destination.`. */
const PROPERTIES: Readonly<Record<string, keyof PeerInfo>> = {
  uid: "uid",
  name: "name",
  namespace: "namespace",
  labels: "labels",
  serviceAccount: "serviceAccount",
  owner: "owner",
  "workload.uid": "workloadUid",
  "workload.name": "workloadName",
  "workload.namespace": "workloadNamespace",
};

export type PeerRole = "source" | "destination";

/**
 * What is said of a workload that nobody knows, and of what is not known of one that is (docs/reference/mixer.md §10.3:
 * the bindings that Istio's chart installs). So a rule that denies all but some labels holds for unknown workloads too.
 */
export const UNKNOWN_PEER: Readonly<Required<PeerInfo>> = {
  uid: "unknown",
  name: "unknown",
  namespace: "default",
  labels: EMPTY_STRING_MAP,
  serviceAccount: "unknown",
  owner: "unknown",
  workloadUid: "unknown",
  workloadName: "unknown",
  workloadNamespace: "unknown",
};

/** The side and property that an attribute reads of a peer, known or not; undefined for other attributes. */
export function peerAttribute(
  name: string,
): { side: PeerRole; read: (peer: PeerInfo | undefined) => AttributeValue } | undefined {
  const dot = name.indexOf(".");
  const side = name.slice(0, dot);
  const property = PROPERTIES[name.slice(dot + 1)];
  if ((side !== "source" && side !== "destination") || !property) return undefined;
  return { side, read: (peer) => peer?.[property] ?? UNKNOWN_PEER[property] };
}

const API_VERSIONS: Readonly<Record<string, string>> = {
  Deployment: "apps/v1",
  ReplicaSet: "apps/v1",
  StatefulSet: "apps/v1",
  DaemonSet: "apps/v1",
  Job: "batch/v1",
  CronJob: "batch/v1",
  ReplicationController: "v1",
  DeploymentConfig: "apps.openshift.io/v1",
};

/** What is known of a pod. */
export function peerOfPod(pod: PodRecord): PeerInfo {
  const { namespace, name, labels, serviceAccount, workload } = pod;
  const version = API_VERSIONS[workload.kind];
  return {
    uid: `kubernetes://${name}.${namespace}`,
    name,
    namespace,
    labels: stringMap(labels),
    serviceAccount,
    owner: version
      ? `kubernetes://apis/${version}/namespaces/${namespace}/${workload.kind.toLowerCase()}s/${workload.name}`
      : `kubernetes://api/v1/namespaces/${namespace}/pods/${name}`,
    ...workloadOf(namespace, workload.name),
  };
}

/** A pod as adapters see it. */
export function adapterViewOf(pod: PodRecord): Workload {
  const { uid = "", owner = "", workloadUid = "", workloadName = "" } = peerOfPod(pod);
  const containers = new Map<string, number[]>();
  for (const { container = "", containerPort } of pod.ports)
    containers.set(container, [...(containers.get(container) ?? []), containerPort]);
  const { name, namespace, labels, serviceAccount, ip, hostIp = "" } = pod;
  return {
    ...{ uid, name, namespace, labels, serviceAccount, ip, hostIp, owner, workloadUid, workloadName },
    containers: [...containers].flatMap(([each, ports]) => (each === "" ? [] : [{ name: each, ports }])),
  };
}

function workloadOf(namespace: string, name: string): PeerInfo {
  return {
    workloadUid: `istio://${namespace}/workloads/${name}`,
    workloadName: name,
    workloadNamespace: namespace,
  };
}

/** What a proxy's own node says of it: for pods that no registry knows. */
export function peerOfNode(id: string, metadata: Readonly<Record<string, unknown>>): PeerInfo {
  // sidecar~IP~POD.NS~NS.svc.cluster.local
  const pod = id.split("~")[2] ?? "";
  const dot = pod.lastIndexOf(".");
  const namespace = textOf(metadata.NAMESPACE) ?? (dot > 0 ? pod.slice(dot + 1) : undefined);
  const workload = textOf(metadata.WORKLOAD_NAME);
  const account = textOf(metadata.SERVICE_ACCOUNT);
  return {
    ...(dot > 0 ? { uid: `kubernetes://${pod}`, name: pod.slice(0, dot) } : {}),
    ...(namespace === undefined ? {} : { namespace }),
    labels: stringMap(textsOf(metadata.LABELS)),
    ...(account === undefined ? {} : { serviceAccount: account }),
    ...(workload !== undefined && namespace !== undefined ? workloadOf(namespace, workload) : {}),
  };
}

/** The identity in a certificate: `spiffe://cluster.local/ns/default/sa/web`. */
export interface Identity {
  readonly namespace: string;
  readonly serviceAccount: string;
}

const SPIFFE = /^(?:spiffe:\/\/)?[^/]+\/ns\/([^/]+)\/sa\/([^/]+)$/;

const identities = new BoundedCache<Identity | null>(10_000);
const principals = new BoundedCache<string>(10_000);

/** Takes a principal apart, with or without its scheme. Undefined when it is not of Istio's form. */
export function identityOf(principal: string): Identity | undefined {
  let identity = identities.get(principal);
  if (identity === undefined) {
    const match = SPIFFE.exec(principal);
    identity = match ? { namespace: match[1] as string, serviceAccount: match[2] as string } : null;
    identities.set(principal, identity);
  }
  return identity ?? undefined;
}

/** What is known of a caller of whom only its identity is known. @param workload the only workload with that identity */
export function peerOfIdentity({ namespace, serviceAccount }: Identity, workload: string | undefined): PeerInfo {
  return { namespace, serviceAccount, ...(workload === undefined ? {} : workloadOf(namespace, workload)) };
}

/** A principal as Istio's attributes have it: without the scheme. */
export function principalText(uri: string): string {
  if (!uri.startsWith("spiffe://")) return uri;
  let text = principals.get(uri);
  if (text === undefined) {
    text = uri.slice(9);
    principals.set(uri, text);
  }
  return text;
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

function textsOf(value: unknown): Record<string, string> {
  if (typeof value !== "object" || value === null) return {};
  const entries = Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return Object.fromEntries(entries);
}
