export { Cluster, type ClusterOptions, removeFiles } from "./cluster/cluster.ts";
export { ClusterNetwork } from "./cluster/network.ts";
export { type ClusterCa, createClusterCa, type Pair, type Subject } from "./control-plane/certificates.ts";
export type { ClusterFiles, ClusterUser } from "./control-plane/cluster-files.ts";
export {
  CLUSTER_DOMAIN,
  ControlPlane,
  type ControlPlaneOptions,
  POD_CIDR,
  SERVICE_CIDR,
} from "./control-plane/control-plane.ts";
export { type KubeconfigOptions, kubeconfig } from "./control-plane/kubeconfig.ts";
export type { Part } from "./control-plane/part.ts";
