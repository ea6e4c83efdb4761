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
  stringMap,
  type Timestamp,
  type ValueType,
} from "@xebec/model-attributes";
export {
  defineTemplate,
  type FieldSpecs,
  installTemplate,
  type LeafType,
  type OutputField,
  TEMPLATES,
  type Template,
  type TemplateField,
  type TemplateSpec,
  type TemplateWire,
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
  type AdapterSpec,
  defineAdapter,
  describeAdapter,
  type Handler,
  type HandlerContext,
  implementAdapter,
  type TemplateRef,
  type ValidationContext,
} from "./adapter.ts";
export { handlerContext } from "./context.ts";
export {
  type Deliver,
  type Delivery,
  type DeliveryContext,
  type DeliveryCounts,
  type DeliveryOptions,
  RejectedError,
} from "./delivery.ts";
// For adapters of quotas:
export { dimensionTexts, sameAsText } from "./dimensions.ts";
export {
  type AdapterHost,
  type AdapterMetrics,
  adapterHost,
  type Clock,
  type FailurePolicy,
  type HandlerLimits,
  type HealthState,
  type KeptGroup,
  type KeptSlot,
  type MetricSpec,
  NO_REACH,
  NO_SHARED_TABLES,
  NO_WORKLOADS,
  type Page,
  type PortSpec,
  type Secrets,
  type SharedEntry,
  type SharedTable,
  systemClock,
  type WorkerSpec,
  type Workload,
  type Workloads,
} from "./host.ts";
export type {
  FieldsOf,
  Instance,
  InstanceOf,
  InstanceShape,
  ListEntryInstance,
  LogEntryInstance,
  MetricInstance,
  OutputOf,
  QuotaInstance,
  ValueMap,
  ValueOf,
} from "./instance.ts";
// For the runtime and for those who validate configuration:
export { durationMs, withDefaults } from "./params.ts";
export { type QuotaParams, quotaParams, quotaViolations } from "./quota-params.ts";
export { type CheckResult, type DirectResponse, type QuotaArgs, type QuotaResult, RPC } from "./results.ts";
export * as templates from "./templates.ts";
