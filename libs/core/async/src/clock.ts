export interface ClockWatchOptions {
  /** How often to look, in milliseconds (1,000). */
  readonly everyMs?: number;
  /** Steps up to this size are taken for ordinary correction, in milliseconds (5,000). */
  readonly toleranceMs?: number;
}

/**
 * Tells when the system's clock was set: it moved against the monotonic clock. Whoever made something that is valid from now on
 * (a certificate, a token) makes it anew then.
 * @param stepped called once for each step with its size in milliseconds; negative when the clock went back
 * @returns ends the watch
 */
export function watchClock(
  stepped: (byMs: number) => void,
  { everyMs = 1_000, toleranceMs = 5_000 }: ClockWatchOptions = {},
): () => void {
  const offset = (): number => Date.now() - performance.now();
  let last = offset();
  const timer = setInterval(() => {
    const step = offset() - last;
    last += step;
    if (Math.abs(step) > toleranceMs) stepped(step);
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
