export { type Violation, violationsText, violationText } from "@xebec/model-schema";
export { isForeign } from "./foreign.ts";
export type { Identity } from "./head.ts";
export { parseMeshConfig, type Validated, type ValidateOptions, validateObject } from "./validate.ts";
