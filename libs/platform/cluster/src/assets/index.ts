export {
  type AssetPlaces,
  findKubeAssets,
  findKubeProgram,
  type KubeAssets,
  kubeCache,
  missingPrograms,
} from "./find.ts";
export { GROUPS, type GroupName, type KubeProgram, PROGRAMS } from "./groups.ts";
export { type MakeOptions, makeKubeAssets } from "./make.ts";
export { KUBERNETES_VERSION } from "./pins.ts";
