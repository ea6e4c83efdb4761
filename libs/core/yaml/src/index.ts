export { jsonObjects } from "./chunks.ts";
export {
  type ManifestError,
  type ManifestOptions,
  type ManifestStep,
  manifestSteps,
  type RawObject,
} from "./manifest.ts";
export { type Manifest, type ReadOptions, readManifest, readYaml } from "./read.ts";
export { plainValue } from "./scalar.ts";
export type { YamlLimits } from "./syntax.ts";
export { editYaml, writeYaml } from "./write.ts";
export { YamlError } from "./yaml-error.ts";
