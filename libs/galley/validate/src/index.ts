export { type Manifest, type ManifestFault, parseManifest, type RawObject } from "./manifest.ts";
export {
  type Identity,
  parseMeshConfig,
  type Validated,
  type ValidateOptions,
  validateObject,
  violationsText,
} from "./validate.ts";
