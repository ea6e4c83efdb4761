export {
  type Identity,
  parseMeshConfig,
  type Validated,
  type ValidateOptions,
  validateObject,
  violationsText,
} from "./validate.ts";
