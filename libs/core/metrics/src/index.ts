import { Counter, Gauge, Histogram, Registry } from "prom-client";

export { type Counter, type Gauge, type Histogram, Registry } from "prom-client";

/** Most series that one metric may have; further label sets are counted under `xebec_metrics_dropped_series_total`. */
const SERIES_CAP = 2_000;

export interface Metrics {
  readonly registry: Registry;
  counter<L extends string = never>(name: string, help: string, labels?: readonly L[]): CappedCounter<L>;
  gauge<L extends string = never>(name: string, help: string, labels?: readonly L[], collect?: () => number): Gauge<L>;
  /** @param buckets upper bounds in the metric's unit (seconds or bytes) */
  histogram<L extends string = never>(
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: readonly L[],
  ): Histogram<L>;
}

export interface CappedCounter<L extends string> {
  /** Adds `by` (1) to the series with these label values. */
  inc(labels?: Record<L, string>, by?: number): void;
}

/** Creates the metrics of one process (or of one service, in a process that runs several). Names are made once: asking twice gives the same metric. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const dropped = new Counter({
    name: "xebec_metrics_dropped_series_total",
    help: "Label sets that were not recorded because their metric is at its series cap.",
    labelNames: ["metric"],
    registers: [registry],
  });
  const counters = new Map<string, CappedCounter<string>>();
  const existing = <T>(name: string): T | undefined => registry.getSingleMetric(name) as T | undefined;
  return {
    registry,
    counter(name, help, labels = []) {
      let capped = counters.get(name);
      if (!capped) {
        const counter = new Counter<string>({ name, help, labelNames: [...labels], registers: [registry] });
        const seen = new Set<string>();
        capped = {
          inc(values = {}, by = 1) {
            const key = labels.map((label) => (values as Record<string, string>)[label] ?? "").join("\u0000");
            if (!seen.has(key)) {
              if (seen.size >= SERIES_CAP) {
                dropped.inc({ metric: name });
                return;
              }
              seen.add(key);
            }
            counter.inc(values as Record<string, string>, by);
          },
        };
        counters.set(name, capped);
      }
      return capped as CappedCounter<(typeof labels)[number]>;
    },
    gauge(name, help, labels = [], collect = undefined) {
      return (
        existing(name) ??
        new Gauge({
          name,
          help,
          labelNames: [...labels],
          registers: [registry],
          ...(collect
            ? {
                collect() {
                  (this as unknown as Gauge).set(collect());
                },
              }
            : {}),
        })
      );
    },
    histogram(name, help, buckets, labels = []) {
      return (
        existing(name) ??
        new Histogram({ name, help, buckets: [...buckets], labelNames: [...labels], registers: [registry] })
      );
    },
  };
}
