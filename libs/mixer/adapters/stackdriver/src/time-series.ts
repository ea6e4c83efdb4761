import { type Int64, type MetricInstance, renderValue } from "@xebec/mixer-sdk";
import { textMap } from "@xebec/mixer-sinks";
import type { StackdriverParams } from "./info.ts";
import { type Resource, resourceOf } from "./resource.ts";

type Info = NonNullable<StackdriverParams["metricInfo"]>[string];

/** A time series with one point, as Cloud Monitoring takes it; `interval` is filled in when it is sent. */
export interface Series {
  readonly metric: { readonly type: string; readonly labels: Readonly<Record<string, string>> };
  readonly resource: Resource;
  readonly metricKind: string;
  readonly valueType: string;
  readonly points: readonly { readonly interval: object; readonly value: object }[];
}

interface Open {
  readonly info: Info;
  readonly metric: Series["metric"];
  readonly resource: Resource;
  value: number | string | boolean;
  count: number;
  mean: number;
  squares: number;
  readonly buckets: number[];
}

/** So many points are merged before they are sent early. */
const MAX_POINTS = 10_000;

/** The values since the last sending, merged by metric, labels and resource: Google takes one point of a series in some seconds. */
export class SeriesMerger {
  readonly #infos: Readonly<Record<string, Info>>;
  readonly #open = new Map<string, Open>();
  #since: number;

  constructor(infos: Readonly<Record<string, Info>>, now: number) {
    this.#infos = infos;
    this.#since = now;
  }

  get isFull(): boolean {
    return this.#open.size >= MAX_POINTS;
  }

  /** A metric that is not listed is left out. @throws Error for a value that does not fit */
  add(instance: MetricInstance, project: string): void {
    const { name, types, value, dimensions } = instance;
    const info = this.#infos[name];
    if (!info) return;
    const metric = { type: info.metricType || `custom.googleapis.com/${name}`, labels: textMap(dimensions) };
    const resource = resourceOf(instance, project);
    const key = JSON.stringify([metric, resource]);
    let open = this.#open.get(key);
    if (!open) {
      open = { info, metric, resource, value: 0, count: 0, mean: 0, squares: 0, buckets: [] };
      this.#open.set(key, open);
    }
    if (info.value === "STRING") open.value = types.value ? renderValue(types.value, value) : "";
    else if (info.value === "BOOL") open.value = value === true;
    else this.#number(open, name, types.value === "DURATION" ? durationOf(value as Int64, info) : Number(value));
  }

  /** What is sent now; nothing is open afterwards. @param now milliseconds since 1970 UTC */
  take(now: number): Series[] {
    const [startTime, endTime] = [this.#since, Math.max(now, this.#since + 1)].map((each) =>
      new Date(each).toISOString(),
    );
    const series = [...this.#open.values()].map(({ info, metric, resource, ...rest }): Series => {
      const isGauge = info.kind === "GAUGE";
      return {
        ...{ metric, resource, metricKind: isGauge ? "GAUGE" : "CUMULATIVE", valueType: info.value ?? "" },
        points: [{ interval: isGauge ? { endTime } : { startTime, endTime }, value: typed(info, rest) }],
      };
    });
    this.#open.clear();
    this.#since = Math.max(now, this.#since + 1);
    return series;
  }

  #number(open: Open, name: string, number: number): void {
    if (!Number.isFinite(number)) throw new Error(`${name}: the value is not a number`);
    if (open.info.value !== "DISTRIBUTION") {
      open.value = open.info.kind === "GAUGE" ? number : Number(open.value) + number;
      return;
    }
    const bounds = boundsOf(open.info);
    const found = bounds.findIndex((each) => number < each);
    const at = found < 0 ? bounds.length : found;
    open.buckets[at] = (open.buckets[at] ?? 0) + 1;
    open.count++;
    const delta = number - open.mean;
    open.mean += delta / open.count;
    open.squares += delta * (number - open.mean);
  }
}

/** Microseconds as integers, milliseconds in distributions. */
function durationOf(nanos: Int64, { value }: Info): number {
  return value === "INT64" ? Math.trunc(Number(nanos) / 1e3) : Number(nanos) / 1e6;
}

function typed(
  info: Info,
  { value, count, mean, squares, buckets }: Omit<Open, "info" | "metric" | "resource">,
): object {
  if (info.value === "STRING") return { stringValue: value };
  if (info.value === "BOOL") return { boolValue: value };
  if (info.value === "INT64") return { int64Value: String(Math.trunc(Number(value))) };
  if (info.value === "DOUBLE") return { doubleValue: value };
  const { linearBuckets, exponentialBuckets, explicitBuckets } = info.buckets ?? {};
  const bucketOptions = explicitBuckets
    ? { explicitBuckets: { bounds: explicitBuckets.bounds ?? [] } }
    : { ...(linearBuckets ? { linearBuckets } : {}), ...(exponentialBuckets ? { exponentialBuckets } : {}) };
  const bucketCounts = Array.from({ length: boundsOf(info).length + 1 }, (_, i) => String(buckets[i] ?? 0));
  return {
    distributionValue: { count: String(count), mean, sumOfSquaredDeviation: squares, bucketOptions, bucketCounts },
  };
}

function boundsOf({ buckets = {} }: Info): readonly number[] {
  const { linearBuckets, exponentialBuckets, explicitBuckets } = buckets;
  if (explicitBuckets) return explicitBuckets.bounds ?? [];
  if (linearBuckets) {
    const { numFiniteBuckets = 1, width = 1, offset = 0 } = linearBuckets;
    return Array.from({ length: numFiniteBuckets + 1 }, (_, i) => offset + i * width);
  }
  const { numFiniteBuckets = 1, growthFactor = 2, scale = 1 } = exponentialBuckets ?? {};
  return Array.from({ length: numFiniteBuckets + 1 }, (_, i) => scale * growthFactor ** i);
}
