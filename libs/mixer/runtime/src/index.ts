export type { Condition, ConditionState } from "./condition.ts";
export { type CheckOutcome, DEFAULT_OUTCOME, type HeaderOperation, httpStatusOf, joinErrors } from "./outcome.ts";
export type { ReportBatch } from "./report-batch.ts";
export { MixerRuntime, type RuntimeOptions } from "./runtime.ts";
export type { Snapshot } from "./snapshot.ts";
