export type { Condition, ConditionState } from "./condition.ts";
export { type DispatchStats, DURATION_BOUNDS } from "./dispatch-stats.ts";
export type { HandlerState } from "./guarded-handler.ts";
export { FAILURE_ANNOTATION, TIMEOUT_ANNOTATION } from "./handler-policy.ts";
export type { HandlerCounts } from "./handlers.ts";
export { type CheckOutcome, DEFAULT_OUTCOME, type HeaderOperation, joinErrors } from "./outcome.ts";
export type { ReportBatch } from "./report-batch.ts";
export { MixerRuntime, type RuntimeOptions } from "./runtime.ts";
export type { Snapshot } from "./snapshot.ts";
