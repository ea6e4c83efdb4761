import { nearestName } from "@xebec/core-errors";

/** The API versions in which kinds that run here are read, the one to write first. Older ones differ in nothing that is read. */
const VERSIONS: Readonly<Record<string, readonly string[]>> = {
  Namespace: ["v1"],
  Service: ["v1"],
  ServiceAccount: ["v1"],
  ConfigMap: ["v1"],
  Secret: ["v1"],
  Deployment: ["apps/v1", "apps/v1beta2", "apps/v1beta1", "extensions/v1beta1"],
};
/** Groups of Kubernetes itself, where no kind of another meaning has one of these names. */
const KUBERNETES = /^(|apps|extensions|batch|autoscaling|policy|([a-z-]+\.)*k8s\.io)$/;
const OLD = new Set(["apps/v1beta1", "extensions/v1beta1"]);

/** Whether an object is of a kind and version that runs here. */
export function runsHere(apiVersion: string, kind: string): boolean {
  return VERSIONS[kind]?.includes(apiVersion) ?? false;
}

/**
 * Why an object of a kind that runs here cannot be read in its version.
 * @returns undefined for a version that is read, and for a kind of somebody else's that only has the same name
 */
export function versionError(apiVersion: string, kind: string): string | undefined {
  const versions = VERSIONS[kind];
  if (!versions || versions.includes(apiVersion)) return undefined;
  const near = nearestName(apiVersion, versions);
  if (near) return `apiVersion: ${kind} has no version ${apiVersion}; did you mean ${near}?`;
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.lastIndexOf("/")) : "";
  return KUBERNETES.test(group) ? `apiVersion: ${kind} has no version ${apiVersion}; write ${versions[0]}` : undefined;
}

/** True for versions of long ago, whose Deployments have `rollbackTo` and need no selector: the template's labels stand for it. */
export function isOldDeployment(apiVersion: string): boolean {
  return OLD.has(apiVersion);
}

/** What to write instead of kinds that do not run here. */
const INSTEAD: Readonly<Record<string, string>> = {
  Ingress: "write a Gateway and a VirtualService of networking.istio.io",
  ...Object.fromEntries(
    ["Pod", "ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet"].map((kind) => [
      kind,
      "write a Deployment of apps/v1",
    ]),
  ),
};

/** `; write ...`, or nothing. */
export function instead(kind: string): string {
  const advice = INSTEAD[kind];
  return advice === undefined ? "" : `; ${advice}`;
}
