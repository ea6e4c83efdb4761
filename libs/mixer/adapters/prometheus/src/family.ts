import type { KeptGroup, KeptSlot } from "@xebec/mixer-sdk";
import { boundsOf, type MetricInfo, metricName, sanitize } from "./config.ts";
import { escapeHelp, goFloat } from "./text.ts";

/** One series: a set of label values with its numbers. */
export interface Series {
  /** `a="b",c="d"` as it is exposed. */
  readonly labels: string;
  value: number;
  count: number;
  /** Observations per bucket, not cumulated. */
  readonly buckets: number[];
  /** When it was last written, in milliseconds. */
  touched: number;
  /** True once it was forgotten: whoever keeps it must ask for a new one. */
  expired: boolean;
  /** Where it outlasts the process. */
  slot?: KeptSlot;
}

/** The configuration of a metric in one text: two families are the same when it is equal. */
export const signatureOf = (info: MetricInfo): string => JSON.stringify(info);

/** A metric with its series, found by one text per set of label values. */
export class Family {
  readonly name: string;
  readonly info: MetricInfo;
  readonly signature: string;
  readonly labelNames: readonly string[];
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, Series>();
  readonly #kept: KeptGroup | undefined;

  /** @param keep gives what outlasts the process, by the metric's configuration */
  constructor(info: MetricInfo, keep?: (group: string) => KeptGroup) {
    this.info = info;
    this.name = metricName(info);
    this.signature = signatureOf(info);
    this.labelNames = info.labelNames ?? [];
    this.#bounds = info.kind === "DISTRIBUTION" ? boundsOf(info) : [];
    this.#kept = keep?.(this.signature);
  }

  /** Takes over what was counted before the process was killed. */
  restore(now: number): void {
    for (const [name, [value = 0, count = 0, ...buckets]] of this.#kept?.entries() ?? []) {
      const [key, labels] = JSON.parse(name) as [string, string];
      const series = this.series(key, () => labels);
      series.value = value;
      series.count = count;
      for (const i of series.buckets.keys()) series.buckets[i] = buckets[i] ?? 0;
      series.touched = now;
    }
  }

  /** Nobody counts any more. */
  release(): void {
    this.#kept?.release();
  }

  get size(): number {
    return this.#series.size;
  }

  /**
   * The series of a set of label values, made when it is new.
   * @param key identifies the label values; `labels` renders them and is called for a new series only
   */
  series(key: string, labels: () => string): Series {
    let series = this.#series.get(key);
    if (series === undefined) {
      const buckets = new Array<number>(this.#bounds.length).fill(0);
      const made: Series = { labels: labels(), value: 0, count: 0, buckets, touched: 0, expired: false };
      const kept = this.#kept?.slot(JSON.stringify([key, made.labels]), () => [
        made.value,
        made.count,
        ...made.buckets,
      ]);
      if (kept) made.slot = kept;
      this.#series.set(key, made);
      series = made;
    }
    return series;
  }

  /** Writes a sample. @throws Error when a counter would go down */
  record(series: Series, value: number, now: number): void {
    series.touched = now;
    if (this.info.kind === "COUNTER" && value < 0)
      throw new Error(`the counter ${this.name} cannot be changed by ${value}`);
    series.slot?.changed();
    if (this.info.kind === "GAUGE") {
      series.value = value;
      return;
    }
    series.value += value;
    if (this.info.kind === "COUNTER") return;
    series.count++;
    const bounds = this.#bounds;
    for (let i = 0; i < bounds.length; i++)
      if (value <= (bounds[i] as number)) {
        series.buckets[i] = (series.buckets[i] as number) + 1;
        break;
      }
  }

  /** Forgets series that were not written since a time. */
  expire(before: number): void {
    for (const [key, series] of this.#series) {
      if (series.touched >= before) continue;
      series.expired = true;
      series.slot?.forget();
      this.#series.delete(key);
    }
  }

  /** The series in Prometheus' text format. */
  write(out: string[]): void {
    const { kind, name: raw, instanceName, description } = this.info;
    const type = kind === "DISTRIBUTION" ? "histogram" : kind === "COUNTER" ? "counter" : "gauge";
    out.push(`# HELP ${this.name} ${escapeHelp(description || raw || instanceName)}\n# TYPE ${this.name} ${type}\n`);
    for (const { labels, value, count, buckets } of this.#series.values()) {
      const braces = labels === "" ? "" : `{${labels}}`;
      if (kind !== "DISTRIBUTION") {
        out.push(`${this.name}${braces} ${goFloat(value)}\n`);
        continue;
      }
      const before = labels === "" ? "" : `${labels},`;
      let sum = 0;
      for (const [i, each] of buckets.entries()) {
        sum += each;
        out.push(`${this.name}_bucket{${before}le="${goFloat(this.#bounds[i] as number)}"} ${sum}\n`);
      }
      out.push(`${this.name}_bucket{${before}le="+Inf"} ${count}\n`);
      out.push(`${this.name}_sum${braces} ${goFloat(value)}\n${this.name}_count${braces} ${count}\n`);
    }
  }
}

/** Names of labels that Prometheus takes. */
export function labelError(name: string): string | undefined {
  const label = sanitize(name);
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label) && !label.startsWith("__")
    ? undefined
    : `"${name}" is not a label name`;
}
