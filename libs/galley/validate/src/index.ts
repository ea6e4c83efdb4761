export {
  type Identity,
  isForeign,
  parseMeshConfig,
  type Validated,
  type ValidateOptions,
  validateObject,
  violationsText,
  violationText,
} from "./validate.ts";
