import type { MetricInstance, Timestamp } from "@xebec/mixer-sdk";
import { epochNanos, textMap } from "@xebec/mixer-sinks";

/** A data point of SignalFx. */
export interface Datapoint {
  readonly kind: "cumulative_counter" | "gauge";
  readonly metric: string;
  readonly value: number;
  readonly dimensions: Readonly<Record<string, string>>;
  /** Milliseconds since 1970 UTC. */
  readonly timestamp: number;
}

/** A series that got nothing for so long is forgotten. */
const IDLE_MS = 300_000;
/** Most series of one handler: dimensions may come from requests. */
const MAX_SERIES = 50_000;
/** Of the values between two sendings so many are kept for quantiles. */
const MAX_SAMPLES = 1_000;

interface Series {
  readonly metric: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly type: "COUNTER" | "HISTOGRAM";
  count: number;
  sum: number;
  sumOfSquares: number;
  min: number;
  max: number;
  readonly samples: number[];
  seen: number;
  usedAt: number;
}

/** Adds values up, by metric and dimensions. Counters go on as long as their series is used. */
export class SeriesTable {
  readonly #series = new Map<string, Series>();

  /** @throws Error when there are too many series, or the value is no number */
  add(instance: MetricInstance, type: "COUNTER" | "HISTOGRAM", now: number): void {
    const { name } = instance;
    const value = numberOf(instance);
    const dimensions = dimensionsOf(instance);
    const key = JSON.stringify([name, ...Object.entries(dimensions).flat()]);
    let series = this.#series.get(key);
    if (!series) {
      if (this.#series.size >= MAX_SERIES) throw new Error(`${name}: more than ${MAX_SERIES} series`);
      series = { metric: name, dimensions, type, usedAt: now, ...empty(), samples: [] };
      this.#series.set(key, series);
    }
    series.usedAt = now;
    series.count++;
    series.sum += value;
    series.sumOfSquares += value * value;
    series.min = Math.min(series.min, value);
    series.max = Math.max(series.max, value);
    if (type !== "HISTOGRAM") return;
    // A fair choice of all values, however many come.
    const at = series.seen++ < MAX_SAMPLES ? series.samples.length : Math.floor(Math.random() * series.seen);
    if (at < MAX_SAMPLES) series.samples[at] = value;
  }

  /** What is sent now. */
  points(now: number): Datapoint[] {
    const points: Datapoint[] = [];
    for (const [key, series] of this.#series) {
      if (now - series.usedAt > IDLE_MS) this.#series.delete(key);
      else points.push(...(series.type === "COUNTER" ? [counterOf(series, now)] : histogramOf(series, now)));
    }
    return points;
  }
}

const empty = () => ({
  count: 0,
  sum: 0,
  sumOfSquares: 0,
  min: Number.POSITIVE_INFINITY,
  max: Number.NEGATIVE_INFINITY,
  seen: 0,
});

function counterOf({ metric, dimensions, sum }: Series, timestamp: number): Datapoint {
  return { kind: "cumulative_counter", metric, value: sum, dimensions, timestamp };
}

/** Counts go on; minimum, maximum and quantiles are those since the last sending. */
function histogramOf(series: Series, timestamp: number): Datapoint[] {
  const { metric, dimensions, count, sum, sumOfSquares, min, max, samples } = series;
  const point = (suffix: string, value: number, kind: Datapoint["kind"]): Datapoint => ({
    ...{ kind, metric: `${metric}${suffix}`, value, dimensions, timestamp },
  });
  const points = [
    point(".count", count, "cumulative_counter"),
    point(".sum", sum, "cumulative_counter"),
    point(".sumsquare", sumOfSquares, "cumulative_counter"),
  ];
  if (samples.length > 0) {
    const sorted = [...samples].sort((a, b) => a - b);
    const quantile = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
    points.push(point(".min", min, "gauge"), point(".max", max, "gauge"));
    for (const share of [0.25, 0.5, 0.9, 0.99]) points.push(point(`.p${share * 100}`, quantile(share), "gauge"));
  }
  samples.length = 0;
  Object.assign(series, { min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY, seen: 0 });
  return points;
}

function dimensionsOf({
  dimensions,
  monitoredResourceType,
  monitoredResourceDimensions,
}: MetricInstance): Record<string, string> {
  const out = textMap(dimensions);
  if (monitoredResourceType) out.monitored_resource_type = monitoredResourceType;
  for (const [key, value] of Object.entries(textMap(monitoredResourceDimensions)))
    out[`monitored_resource_${key}`] = value;
  return Object.fromEntries(Object.entries(out).filter(([, value]) => value !== ""));
}

/** Durations and instants are nanoseconds. */
function numberOf({ name, value, types }: MetricInstance): number {
  const number =
    types.value === "TIMESTAMP" && value !== undefined ? Number(epochNanos(value as Timestamp)) : Number(value);
  if (value === undefined || !Number.isFinite(number)) throw new Error(`${name}: ${String(value)} is not a number`);
  return number;
}
