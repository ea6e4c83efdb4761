import type { Metrics } from "@xebec/core-metrics";
import type { DeliveriesOptions } from "@xebec/mixer-sinks/delivery";
import type { WorkQueue } from "@xebec/platform-bus";

/** What waits on the bus for a handler that nobody has is dropped after this time. */
const ORPHAN_MS = 3_600_000;
const RETRY_MS = 5_000;

/**
 * The metrics of what handlers send to remote sinks: `xebec_mixer_sink_records_total`, by handler and adapter, with `result` accepted,
 * delivered, retried or dropped, and for those dropped with the reason. Of all replicas together, `accepted` is what was delivered or
 * dropped, and what waits: in memory (`xebec_mixer_sink_records_waiting`), and in the stream `REPORTS` of the bus.
 */
export function deliveryMeters(
  metrics: Metrics,
  queue: WorkQueue | undefined,
): Pick<DeliveriesOptions, "meter" | "open"> {
  const open: DeliveriesOptions["open"] = new Set();
  metrics.gauge("xebec_mixer_sink_records_waiting", "Records for remote sinks in the memory of this process.", [], () =>
    [...open].reduce((sum, { counts }) => sum + counts.waiting, 0),
  );
  const records = metrics.counter(
    "xebec_mixer_sink_records_total",
    "Records for remote sinks: accepted, delivered, retried, or dropped for a reason.",
    ["handler", "adapter", "result", "reason"],
  );
  queue?.onOrphan((key, { data, addedAt }) => {
    if (Date.now() - addedAt < ORPHAN_MS) return { retryMs: RETRY_MS };
    records.inc({ handler: key, adapter: "", result: "dropped", reason: "no_handler" }, countOf(data));
    return "done";
  });
  return {
    open,
    meter: (handler, adapter) => ({
      count: (result, by, reason) => records.inc({ handler, adapter, result, reason }, by),
    }),
  };
}

function countOf(data: Uint8Array): number {
  try {
    return (JSON.parse(Buffer.from(data).toString()) as unknown[]).length;
  } catch {
    return 1; // not written by a replica
  }
}
