/** Upper bounds of the times of calls, in seconds (docs/reference/mixer.md §8.4). */
export const DURATION_BOUNDS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** The calls of one handler for one template that ended well, or badly. Numbers only: it is on the way of every request. */
export class DispatchStats {
  readonly template: string;
  readonly handler: string;
  readonly adapter: string;
  readonly error: boolean;
  count = 0;
  seconds = 0;
  /** Calls by bound, each in the first that it does not exceed; the last place is for those above all. */
  readonly buckets: Float64Array = new Float64Array(DURATION_BOUNDS.length + 1);

  constructor(labels: { template: string; handler: string; adapter: string; error: boolean }) {
    this.template = labels.template;
    this.handler = labels.handler;
    this.adapter = labels.adapter;
    this.error = labels.error;
  }

  add(ms: number): void {
    const seconds = ms / 1000;
    this.count++;
    this.seconds += seconds;
    let i = 0;
    while (i < DURATION_BOUNDS.length && seconds > (DURATION_BOUNDS[i] as number)) i++;
    this.buckets[i] = (this.buckets[i] as number) + 1;
  }
}

/** The calls of all handlers since the start, also of those that are closed. */
export class DispatchTable {
  readonly #all = new Map<string, DispatchStats>();

  of(template: string, handler: string, adapter: string, error: boolean): DispatchStats {
    const key = JSON.stringify([template, handler, adapter, error]);
    let stats = this.#all.get(key);
    if (!stats) {
      stats = new DispatchStats({ template, handler, adapter, error });
      this.#all.set(key, stats);
    }
    return stats;
  }

  all(): Iterable<DispatchStats> {
    return this.#all.values();
  }
}
