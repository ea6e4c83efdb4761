import type { MetricInstance } from "@xebec/mixer-sdk";
import { plainMap } from "@xebec/mixer-sinks";
import { attributesOf, type KeyValue } from "./attributes.ts";
import { DEFAULT_BUCKETS, type OpenTelemetryParams } from "./info.ts";

type Info = NonNullable<OpenTelemetryParams["metrics"]>[string];

interface Series {
  readonly attributes: KeyValue[];
  sum: number;
  count: number;
  min: number;
  max: number;
  readonly buckets: number[];
  usedAt: number;
}

/** Dimensions may come from requests. */
const MAX_SERIES = 50_000;
/** So many points stand in one record, which has a largest size. */
const MAX_POINTS = 100;
/** A series that got nothing for so long is forgotten. */
const IDLE_MS = 3_600_000;
const PER_SECOND: Readonly<Record<string, number>> = { ms: 1e3, us: 1e6, ns: 1e9 };

/** Metrics since the start of the process, added up. */
export class MetricTable {
  readonly #infos: ReadonlyMap<string, Info>;
  readonly #series = new Map<string, Map<string, Series>>();
  readonly #startNanos: string;
  #count = 0;

  /** @param now milliseconds since 1970 UTC */
  constructor(infos: Readonly<Record<string, Info>>, now: number) {
    this.#infos = new Map(Object.entries(infos));
    this.#startNanos = nanosOf(now);
  }

  /** @throws Error for a value that cannot be added */
  add(instance: MetricInstance, now: number): void {
    const { name, types, value } = instance;
    const info = this.#infos.get(name);
    if (!info) throw new Error(`no info for metric named ${name}`);
    const isDuration = types.value === "DURATION";
    const number = Number(value) * (isDuration ? (PER_SECOND[info.unit ?? ""] ?? 1) / 1e9 : 1);
    if (value === undefined || !Number.isFinite(number)) throw new Error(`${name}: ${String(value)} is not a number`);
    const bounds = boundsOf(info);
    const series = this.#of(instance, now);
    series.usedAt = now;
    series.count++;
    series.sum = info.kind === "GAUGE" ? number : series.sum + number;
    series.min = Math.min(series.min, number);
    series.max = Math.max(series.max, number);
    const found = bounds.findIndex((each) => number <= each);
    const at = found < 0 ? bounds.length : found;
    series.buckets[at] = (series.buckets[at] ?? 0) + 1;
  }

  /** Every metric with its data points, in OTLP's JSON form. */
  metrics(now: number): object[] {
    const timeUnixNano = nanosOf(now);
    const out: object[] = [];
    for (const [name, all] of this.#series) {
      const info = this.#infos.get(name) as Info;
      const points: object[] = [];
      for (const [key, series] of all) {
        if (now - series.usedAt > IDLE_MS) {
          all.delete(key);
          this.#count--;
        } else points.push(this.#point(info, series, timeUnixNano));
      }
      if (points.length === 0) continue;
      const head = { name: info.name || name, unit: info.unit ?? "", description: info.description ?? "" };
      // 2: cumulative.
      for (let at = 0; at < points.length; at += MAX_POINTS) {
        const dataPoints = points.slice(at, at + MAX_POINTS);
        if (info.kind === "GAUGE") out.push({ ...head, gauge: { dataPoints } });
        else if (info.kind === "COUNTER")
          out.push({ ...head, sum: { dataPoints, aggregationTemporality: 2, isMonotonic: true } });
        else out.push({ ...head, histogram: { dataPoints, aggregationTemporality: 2 } });
      }
    }
    return out;
  }

  #point(info: Info, { attributes, sum, count, min, max, buckets }: Series, timeUnixNano: string): object {
    const head = { attributes, startTimeUnixNano: this.#startNanos, timeUnixNano };
    if (info.kind !== "DISTRIBUTION") return { ...head, asDouble: sum };
    const bounds = boundsOf(info);
    const bucketCounts = Array.from({ length: bounds.length + 1 }, (_, i) => String(buckets[i] ?? 0));
    return { ...head, count: String(count), sum, min, max, explicitBounds: bounds, bucketCounts };
  }

  #of(instance: MetricInstance, now: number): Series {
    const { name, dimensions, monitoredResourceType, monitoredResourceDimensions } = instance;
    const plain = plainMap(dimensions);
    if (monitoredResourceType) plain.monitored_resource_type = monitoredResourceType;
    for (const [key, value] of Object.entries(plainMap(monitoredResourceDimensions)))
      plain[`monitored_resource_${key}`] = value;
    const key = JSON.stringify(plain);
    const all = this.#series.get(name) ?? new Map<string, Series>();
    this.#series.set(name, all);
    let series = all.get(key);
    if (!series) {
      if (this.#count >= MAX_SERIES) throw new Error(`${name}: more than ${MAX_SERIES} series`);
      this.#count++;
      const [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      series = { attributes: attributesOf(plain), sum: 0, count: 0, min, max, buckets: [], usedAt: now };
      all.set(key, series);
    }
    return series;
  }
}

function boundsOf({ buckets = [] }: Info): readonly number[] {
  return buckets.length > 0 ? buckets : DEFAULT_BUCKETS;
}

export function nanosOf(ms: number): string {
  return String(BigInt(Math.round(ms)) * 1_000_000n);
}
