export { type Manifest, type ManifestFault, parseManifest, type RawObject } from "./manifest.ts";
export { type Identity, type Validated, type ValidateOptions, validateObject, violationsText } from "./validate.ts";
