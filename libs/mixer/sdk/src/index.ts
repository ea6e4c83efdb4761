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
  type Adapter,
  type AdapterLog,
  type Clock,
  defineAdapter,
  type Handler,
  type HandlerContext,
  systemClock,
} from "./adapter.ts";
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
export { Duration, durationMs, Enum, readParams, type Violation, withDefaults } from "./params.ts";
export { type CheckResult, type DirectResponse, type QuotaArgs, type QuotaResult, RPC } from "./results.ts";
export { defineTemplate, type LeafType, type Template, type TemplateField, type Variety } from "./template.ts";
export { ISTIO_ADAPTERS, TEMPLATES } from "./templates.ts";
