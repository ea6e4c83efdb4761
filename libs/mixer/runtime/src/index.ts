export type { Condition, ConditionState } from "./condition.ts";
export { type CheckOutcome, DEFAULT_OUTCOME, type HeaderOperation, httpStatusOf, joinErrors } from "./outcome.ts";
export { MIXER_GROUP } from "./read-objects.ts";
export type { ReportBatch } from "./report-batch.ts";
export { MixerRuntime, type RuntimeOptions } from "./runtime.ts";
export type { Snapshot } from "./snapshot.ts";
// The schemas of the objects, for those who validate configuration:
export { HandlerSpec, InstanceSpec, ManifestSpec, RuleSpec } from "./spec-schemas.ts";
