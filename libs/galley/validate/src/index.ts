export { type Violation, violationsText, violationText } from "@xebec/model-schema";
export { prepareValidation } from "./envoy-filter.ts";
export { isForeign } from "./foreign.ts";
export type { Identity } from "./head.ts";
export { type MixerContext, mixerContextOf, STANDARD_CONTEXT } from "./mixer-context.ts";
export {
  parseMeshConfig,
  parseMeshNetworks,
  readMixerContext,
  type Validated,
  type ValidateOptions,
  validateObject,
} from "./validate.ts";
