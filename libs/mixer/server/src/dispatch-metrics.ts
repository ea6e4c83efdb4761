import type { Metrics } from "@xebec/core-metrics";
import { type DispatchStats, DURATION_BOUNDS, type MixerRuntime } from "@xebec/mixer-runtime";

type Metric = Parameters<Metrics["registry"]["registerMetric"]>[0];

interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/**
 * Registers Mixer's metrics about its handlers under Istio's names (docs/reference/mixer.md §8.4). They are made of the runtime's own counts when they are
 * asked for: a request pays for two additions.
 */
export function registerDispatchMetrics(metrics: Metrics, runtime: MixerRuntime): void {
  const register = (name: string, help: string, type: string, values: () => Sample[]): void => {
    const metric = { name, help, type, get: async () => ({ name, help, type, aggregator: "sum", values: values() }) };
    metrics.registry.registerMetric({ ...metric, reset() {} } as unknown as Metric);
  };
  const labelsOf = ({ template, handler, adapter, error }: DispatchStats) => ({
    ...{ meshFunction: template, handler, adapter, error: String(error) },
  });
  register("mixer_runtime_dispatches_total", "Calls of handlers.", "counter", () =>
    [...runtime.dispatches].map((each) => ({ labels: labelsOf(each), value: each.count })),
  );
  const durations = "mixer_runtime_dispatch_duration_seconds";
  register(durations, "How long calls of handlers took, in seconds.", "histogram", () =>
    [...runtime.dispatches].flatMap((each) => histogramOf(durations, each, labelsOf(each))),
  );
  for (const [name, key, help] of [
    ["new_handlers", "created", "Handlers that were started."],
    ["reused_handlers", "reused", "Handlers that went on when the configuration changed."],
    ["closed_handlers", "closed", "Handlers that were closed."],
    ["handler_build_failures", "buildFailures", "Handlers that could not be started."],
    ["handler_close_failures", "closeFailures", "Handlers that failed to close."],
  ] as const)
    register(`mixer_handler_${name}_total`, help, "counter", () => [{ labels: {}, value: runtime.handlerCounts[key] }]);
  register(
    "xebec_mixer_handler_state",
    "1 for the state that a handler is in: ready, degraded or failing.",
    "gauge",
    () =>
      runtime.handlers.map(({ handler, adapter, health }) => ({
        labels: { handler, adapter, state: health },
        value: 1,
      })),
  );
  register("xebec_mixer_handler_waiting", "Calls of a handler that wait for its answer.", "gauge", () =>
    runtime.handlers.map(({ handler, adapter, waiting }) => ({ labels: { handler, adapter }, value: waiting })),
  );
  register(
    "xebec_mixer_handler_withheld_total",
    "Calls that were not made, because the handler did not answer.",
    "counter",
    () => runtime.handlers.map(({ handler, adapter, withheld }) => ({ labels: { handler, adapter }, value: withheld })),
  );
}

function histogramOf(name: string, stats: DispatchStats, labels: Sample["labels"]): Sample[] {
  let below = 0;
  const buckets = [...stats.buckets].map((count, i) => {
    below += count;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: DURATION_BOUNDS[i] ?? "+Inf" }, value: below };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: stats.seconds },
    { metricName: `${name}_count`, labels, value: stats.count },
  ];
}
