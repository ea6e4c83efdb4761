import type { Turns } from "@xebec/core-async";
import type { WorkloadRecord } from "@xebec/model-workloads";

/** Records in the form of the bucket `workloads` that changed at once. */
export interface RecordChange {
  readonly puts: readonly WorkloadRecord[];
  /** Keys (`workloadKey`) of those that are gone. */
  readonly deletes: readonly string[];
}

/** Where records come from. */
export interface RecordSource {
  /**
   * Begins, and reports the whole state first, then every change; the next one when the promise of the one before is settled. When it
   * is rejected the whole state is reported again.
   */
  start(report: (change: RecordChange, turns: Turns) => Promise<void>, signal: AbortSignal): Promise<void>;
  /** What is missing before the state is whole. */
  missing(): readonly string[];
  close(): Promise<void>;
}
