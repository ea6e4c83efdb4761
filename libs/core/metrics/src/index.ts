import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { SeriesCap } from "./series-cap.ts";

export { type Counter, type Gauge, type Histogram, Registry } from "prom-client";

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
  const caps = new Map<object, SeriesCap>();
  /** Gives a metric the cap, once; its methods take the labels first. */
  const capped = <T extends Gauge<string> | Histogram<string>>(metric: T, methods: readonly string[]): T => {
    const { name, labelNames } = metric as unknown as { name: string; labelNames: readonly string[] };
    if (caps.has(metric) || labelNames.length === 0) return metric;
    const cap = new SeriesCap(labelNames, () => dropped.inc({ metric: name }));
    caps.set(metric, cap);
    cap.guard(metric as unknown as Record<string, (...args: unknown[]) => unknown>, methods);
    return metric;
  };
  const existing = <T>(name: string): T | undefined => registry.getSingleMetric(name) as T | undefined;
  return {
    registry,
    counter(name, help, labels = []) {
      let found = counters.get(name);
      if (!found) {
        const counter = new Counter<string>({ name, help, labelNames: [...labels], registers: [registry] });
        const cap = new SeriesCap(labels, () => dropped.inc({ metric: name }));
        found = {
          inc(values = {}, by = 1) {
            if (cap.admits(values as Record<string, string>)) counter.inc(values as Record<string, string>, by);
          },
        };
        counters.set(name, found);
      }
      return found as CappedCounter<(typeof labels)[number]>;
    },
    gauge(name, help, labels = [], collect = undefined) {
      const made =
        existing<Gauge<string>>(name) ??
        new Gauge<string>({
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
        });
      return capped(made, ["set", "inc", "dec", "setToCurrentTime"]) as Gauge<(typeof labels)[number]>;
    },
    histogram(name, help, buckets, labels = []) {
      const made =
        existing<Histogram<string>>(name) ??
        new Histogram<string>({ name, help, buckets: [...buckets], labelNames: [...labels], registers: [registry] });
      return capped(made, ["observe", "zero"]) as Histogram<(typeof labels)[number]>;
    },
  };
}
