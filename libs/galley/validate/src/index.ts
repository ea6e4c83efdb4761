export {
  type Identity,
  parseMeshConfig,
  type Validated,
  type ValidateOptions,
  validateObject,
  violationsText,
  violationText,
} from "./validate.ts";
