import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";

export interface LoadSheddingOptions {
  readonly mode: "disabled" | "logonly" | "enforce";
  /** Refuses while the average answer takes this long, in milliseconds; 0 does not look at it. */
  readonly averageLatencyMs: number;
  /** Most answers that are measured per second. */
  readonly samplesPerSecond: number;
  readonly sampleHalfLifeMs: number;
  /** Most requests per second; 0 does not count. */
  readonly maxRequestsPerSecond: number;
  /** Most requests at once above the rate; 0 takes one second's worth. */
  readonly burst: number;
}

const log = logger("loadshedding");

/** Refuses requests while the service is overloaded (docs/reference/mixer.md §7.8). */
export class LoadShedder {
  readonly #options: LoadSheddingOptions;
  readonly #now: () => number;
  readonly #refused: () => void;
  readonly active: boolean;
  #average = 0;
  #sampledAt = 0;
  #tokens: number;
  #filledAt: number;

  /** @param refused is called for every request that is (or in logonly would be) refused */
  constructor(options: LoadSheddingOptions, refused: () => void, now: () => number = () => performance.now()) {
    this.#options = options;
    this.#refused = refused;
    this.#now = now;
    this.active = options.mode !== "disabled" && (options.averageLatencyMs > 0 || options.maxRequestsPerSecond > 0);
    this.#tokens = this.#burst;
    this.#filledAt = now();
  }

  /** @param cost 1 for a check, the number of bags for a report. @throws XebecError unavailable while overloaded */
  admit(cost: number): void {
    if (!this.active || !this.#overloaded(cost)) return;
    this.#refused();
    if (this.#options.mode === "enforce")
      throw new XebecError("unavailable", "Server is currently overloaded. Please try again.");
    log.warn({ cost }, "a request would have been refused: the service is overloaded");
  }

  /** The time at which an answer began, for `end`. */
  begin(): number {
    return this.active ? this.#now() : 0;
  }

  /** Counts how long an answer took. */
  end(since: number): void {
    const { averageLatencyMs, samplesPerSecond, sampleHalfLifeMs } = this.#options;
    if (!this.active || averageLatencyMs === 0) return;
    const now = this.#now();
    const passed = now - this.#sampledAt;
    if (this.#sampledAt !== 0 && passed < 1000 / samplesPerSecond) return;
    const sample = now - since;
    this.#average =
      this.#sampledAt === 0
        ? sample
        : sample + (this.#average - sample) * 2 ** (-passed / Math.max(1, sampleHalfLifeMs));
    this.#sampledAt = now;
  }

  get #burst(): number {
    const { burst, maxRequestsPerSecond } = this.#options;
    return burst > 0 ? burst : Math.max(1, maxRequestsPerSecond);
  }

  #overloaded(cost: number): boolean {
    const { averageLatencyMs, maxRequestsPerSecond, sampleHalfLifeMs } = this.#options;
    const now = this.#now();
    if (averageLatencyMs > 0 && this.#average >= averageLatencyMs) {
      // A refused request is quick; without it counting as such, nothing would bring the average down again.
      const idle = now - this.#sampledAt;
      this.#average *= 2 ** (-idle / Math.max(1, sampleHalfLifeMs));
      this.#sampledAt = now;
      if (this.#average >= averageLatencyMs) return true;
    }
    if (maxRequestsPerSecond <= 0) return false;
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#filledAt) / 1000) * maxRequestsPerSecond);
    this.#filledAt = now;
    // A report larger than the burst passes when the bucket is full; it could never pass otherwise.
    if (this.#tokens < Math.min(cost, this.#burst)) return true;
    this.#tokens -= cost;
    return false;
  }
}
