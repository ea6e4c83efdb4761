import type { Metrics } from "@xebec/core-metrics";
import { codeOf } from "./status.ts";

interface Tally {
  readonly labels: Readonly<Record<"server" | "method" | "code", string>>;
  /** Calls that the metric does not have yet. */
  pending: number;
}

/** Counts calls that ended. A metric's series is found by text, which costs more than the counting: it is added in sums. */
export class CallCounter {
  readonly #server: string;
  readonly #metric;
  /** By path, then by status number. */
  readonly #tallies = new Map<string, Tally[]>();
  readonly #changed = new Set<Tally>();

  constructor(server: string, metrics: Metrics) {
    this.#server = server;
    this.#metric = metrics.counter("xebec_grpc_server_handled_total", "Calls that ended, by method and status.", [
      "server",
      "method",
      "code",
    ]);
  }

  /** @param code gRPC status number */
  count(method: string, code: number): void {
    const tally = this.#tallies.get(method)?.[code];
    if (tally) {
      if (tally.pending++ === 0) this.#changed.add(tally);
      return;
    }
    const made: Tally = {
      labels: { server: this.#server, method, code: code === 0 ? "ok" : codeOf(code) },
      pending: 0,
    };
    const tallies = this.#tallies.get(method) ?? [];
    tallies[code] = made;
    this.#tallies.set(method, tallies);
    this.#metric.inc(made.labels);
  }

  /** Tells the metric what was counted since the last time. */
  flush(): void {
    for (const tally of this.#changed) {
      this.#metric.inc(tally.labels, tally.pending);
      tally.pending = 0;
    }
    this.#changed.clear();
  }
}
