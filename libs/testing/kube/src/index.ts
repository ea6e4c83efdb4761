export { type Kube, type KubeOptions, kubeMissing, startKube } from "./start-kube.ts";
