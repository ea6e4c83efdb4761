export interface BackoffOptions {
  /** First delay in milliseconds. */
  readonly baseMs: number;
  /** Largest delay in milliseconds. */
  readonly maxMs: number;
  /** Source of randomness in [0, 1); a test gives its own. */
  readonly random?: () => number;
}

/**
 * Delays for retries: exponential with full jitter on the upper half, so that many clients do not come back together.
 * @param attempt 0 for the first retry
 * @returns milliseconds in [delay/2, delay) with delay = min(maxMs, baseMs · 2^attempt)
 */
export function backoff(attempt: number, { baseMs, maxMs, random = Math.random }: BackoffOptions): number {
  const delay = Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30));
  return delay / 2 + (random() * delay) / 2;
}
