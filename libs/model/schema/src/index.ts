export {
  anything,
  bool,
  bytes,
  double,
  duration,
  enumeration,
  field,
  int32,
  int64,
  list,
  map,
  message,
  openMessage,
  required,
  type Static,
  string,
  struct,
  uint32,
  unsupported,
} from "./build.ts";
export { nodeOf, notSupported, type SchemaNode, type Unsupported } from "./node.ts";
export { camelCase, readProtoJson } from "./read.ts";
export { type Path, pathText, type Violation, violationsText, violationText } from "./violation.ts";
export { describeValue, showValue } from "./wording.ts";
