// For those who write an adapter:

// The values that instances hold:
export {
  type AttributeValue,
  formatGoDuration,
  formatIp,
  formatTimestamp,
  type Int64,
  parseGoDuration,
  parseIp,
  parseTimestamp,
  renderValue,
  type StringMap,
  type Timestamp,
  type ValueType,
} from "@xebec/model-attributes";
export {
  defineTemplate,
  type LeafType,
  TEMPLATES,
  type Template,
  type TemplateField,
  type Variety,
} from "@xebec/model-mixer";
// The schema of its parameters:
export {
  bool,
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
  type Path,
  required,
  type Static,
  string,
  struct,
  uint32,
  type Violation,
} from "@xebec/model-schema";
export {
  type Adapter,
  type AdapterInfo,
  type AdapterLog,
  type AdapterModule,
  defineAdapter,
  describeAdapter,
  type Handler,
  type HandlerContext,
  implementAdapter,
  type ValidationContext,
} from "./adapter.ts";
export {
  type AdapterHost,
  type Clock,
  type Exposition,
  type HandlerLimits,
  NO_REACH,
  systemClock,
} from "./host.ts";
export type {
  Instance,
  InstanceShape,
  ListEntryInstance,
  LogEntryInstance,
  MetricInstance,
  QuotaInstance,
  ValueMap,
} from "./instance.ts";
// For the runtime and for those who validate configuration:
export { durationMs, withDefaults } from "./params.ts";
export { type CheckResult, type DirectResponse, type QuotaArgs, type QuotaResult, RPC } from "./results.ts";
