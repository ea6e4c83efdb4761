import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { Metrics } from "@xebec/core-metrics";
import { type Bus, createRevisionReader } from "@xebec/platform-bus";
import type { WorkloadIndex } from "./workload-index.ts";

const log = logger("workloads");

/** Follows the bucket `workloads` and keeps an index up to date with it. Without it requests are served, with fewer attributes. */
export function createWorkloadSource(bus: Bus, index: WorkloadIndex, metrics: Metrics, cacheFile?: string): Component {
  const reader = createRevisionReader({
    bus,
    bucket: "workloads",
    cacheFile,
    metrics,
    apply({ puts, deletes }) {
      const bad = index.apply(puts, deletes);
      if (bad.length > 0) log.error({ keys: bad }, "workload records cannot be read");
    },
  });
  return { name: "workloads", start: (signal) => reader.start(signal), close: async () => reader.close?.() };
}
