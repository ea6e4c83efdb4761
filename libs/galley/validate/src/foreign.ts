/** Groups of Kubernetes itself: their objects are not ours to judge. */
const KUBERNETES_GROUPS = /^(|apps|extensions|batch|autoscaling|policy|([a-z-]+\.)+k8s\.io)$/;

/** Whether an object is Kubernetes' own: then it is not read, however large it is. Config maps may hold the mesh configuration. */
export function isForeign(apiVersion: string, kind: string): boolean {
  const [group] = splitVersion(apiVersion);
  return isKubernetesGroup(group) && apiVersion !== "" && !(group === "" && kind === "ConfigMap");
}

/** Whether a group is one of Kubernetes itself. */
export function isKubernetesGroup(group: string): boolean {
  return KUBERNETES_GROUPS.test(group);
}

/** `networking.istio.io/v1` as group and version; Kubernetes' core group is empty. */
export function splitVersion(apiVersion: string): [group: string, version: string] {
  const slash = apiVersion.lastIndexOf("/");
  return slash === -1 ? ["", apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
}
