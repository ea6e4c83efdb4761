import type { Clock } from "./host.ts";

/** A clock that moves only when it is told to; for tests of adapters. */
export class ManualClock implements Clock {
  #now: number;
  readonly #timers = new Set<{ next: number; readonly ms: number; readonly work: () => void }>();

  /** @param now milliseconds since 1970 at which it begins */
  constructor(now: number = Date.UTC(2019, 0, 1)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  every(ms: number, work: () => void): () => void {
    const timer = { next: this.#now + ms, ms, work };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Lets time pass; what is due meanwhile is called in its order, at its time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = [...this.#timers].filter((each) => each.next <= end).sort((a, b) => a.next - b.next);
      if (!next) break;
      this.#now = next.next;
      next.next += Math.max(1, next.ms);
      next.work();
    }
    this.#now = end;
  }
}
