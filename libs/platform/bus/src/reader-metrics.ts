import type { Metrics } from "@xebec/core-metrics";

/** What a reader of a bucket says of itself at `/metrics`. */
export class ReaderMetrics {
  readonly #bucket: string;
  readonly #synced;
  readonly #staleness;
  readonly #kept;

  constructor(metrics: Metrics | undefined, bucket: string) {
    this.#bucket = bucket;
    this.#synced = metrics?.gauge("xebec_bus_synced", "1 when the entries equal what their sources committed.", [
      "bucket",
    ]);
    this.#staleness = metrics?.gauge("xebec_bus_staleness_seconds", "Time since the bus confirmed the entries.", [
      "bucket",
    ]);
    this.#kept = metrics?.gauge(
      "xebec_bus_kept_sources",
      "Sources that are served as they were before the bus lost them.",
      ["bucket"],
    );
    this.synced(false);
  }

  synced(value: boolean): void {
    this.#synced?.set({ bucket: this.#bucket }, value ? 1 : 0);
  }

  /** @param seconds since the bus confirmed the entries */
  staleness(seconds: number): void {
    this.#staleness?.set({ bucket: this.#bucket }, seconds);
  }

  kept(sources: number): void {
    this.#kept?.set({ bucket: this.#bucket }, sources);
  }
}
