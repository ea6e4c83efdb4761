export { clusterMissing, startCluster, type TestCluster, useCluster } from "./cluster.ts";
export type { RunKubectl } from "./kubectl.ts";
export { type Kube, type KubeOptions, kubeMissing, startKube } from "./start-kube.ts";
