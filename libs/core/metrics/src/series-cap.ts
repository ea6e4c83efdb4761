/** Most series that one metric may have; further label sets are counted under `xebec_metrics_dropped_series_total`. */
const MOST_SERIES = 2_000;

type Labels = Readonly<Record<string, string | number | undefined>>;

/** Keeps label sets that callers choose from filling the memory. */
export class SeriesCap {
  readonly #labels: readonly string[];
  readonly #refused: () => void;
  readonly #seen = new Set<string>();

  /** @param labels names of the metric's labels @param refused called for each value that is not recorded */
  constructor(labels: readonly string[], refused: () => void) {
    this.#labels = labels;
    this.#refused = refused;
  }

  admits(values: Labels): boolean {
    const key = this.#key(values);
    if (this.#seen.has(key)) return true;
    if (this.#seen.size >= MOST_SERIES) {
      this.#refused();
      return false;
    }
    this.#seen.add(key);
    return true;
  }

  /** Puts the cap before the methods of a metric that take labels first, and follows its removals. */
  guard(metric: Record<string, (...args: unknown[]) => unknown>, methods: readonly string[]): void {
    for (const name of methods) {
      const method = metric[name]?.bind(metric);
      if (method) metric[name] = (...args) => (this.admits((args[0] ?? {}) as Labels) ? method(...args) : undefined);
    }
    const [remove, reset] = [metric.remove?.bind(metric), metric.reset?.bind(metric)];
    metric.remove = (...args) => {
      const [first] = args;
      const given = first !== null && typeof first === "object";
      this.#seen.delete(given ? this.#key(first as Labels) : args.map(String).join("\u0000"));
      return remove?.(...args);
    };
    metric.reset = () => {
      this.#seen.clear();
      return reset?.();
    };
  }

  #key(values: Labels): string {
    return this.#labels.map((label) => String(values[label] ?? "")).join("\u0000");
  }
}
