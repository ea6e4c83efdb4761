import type { Metrics } from "@xebec/core-metrics";
import type { Condition } from "@xebec/mixer-runtime";

/** What a Mixer service counts of itself. */
export interface MixerMeters {
  check(code: number): void;
  bags(count: number): void;
  reportErrors(count: number): void;
  /** Entries of OpenTelemetry access logs: counted, known already, and not understood. */
  entries(processed: number, duplicates: number, refused: number): void;
  shed(): void;
  config(conditions: readonly Condition[]): void;
}

/** Registers the metrics of a Mixer service. */
export function createMeters(metrics: Metrics): MixerMeters {
  const checks = metrics.counter("xebec_mixer_checks_total", "Requests decided about, by rpc code.", ["code"]);
  const bags = metrics.counter("xebec_mixer_report_bags_total", "Reported requests and connections.");
  const errors = metrics.counter("xebec_mixer_report_errors_total", "Instances and handlers that failed in reports.");
  const entries = metrics.counter(
    "xebec_mixer_otel_entries_total",
    "Entries of OpenTelemetry access logs; received is the sum of processed, duplicate and refused.",
    ["result"],
  );
  const shed = metrics.counter("mixer_loadshedding_requests_throttled", "Requests refused because of overload.");
  const objects = metrics.gauge("xebec_mixer_config_objects", "Configuration objects by state.", ["state"]);
  const codes = Array.from({ length: 17 }, (_, code) => ({ code: String(code) }));
  return {
    check: (code) => checks.inc(codes[code] ?? { code: String(code) }),
    bags: (count) => bags.inc({}, count),
    reportErrors: (count) => errors.inc({}, count),
    entries(processed, duplicates, refused) {
      entries.inc({ result: "received" }, processed + duplicates + refused);
      entries.inc({ result: "processed" }, processed);
      entries.inc({ result: "duplicate" }, duplicates);
      entries.inc({ result: "refused" }, refused);
    },
    shed: () => shed.inc(),
    config(conditions) {
      for (const state of ["attached", "compiled", "rejected"])
        objects.set({ state }, conditions.filter((each) => each.state === state).length);
    },
  };
}
