import { Coalescer, watchClock } from "@xebec/core-async";
import { logger } from "@xebec/core-log";

const log = logger("identity");
/** Tokens live for a day and are written anew long before. */
const REFRESH_MS = 6 * 3_600_000;

/**
 * Has tokens written anew long before they end, and when the clock was set: one from the future is refused.
 * @returns ends that
 */
export function renewTokens(write: () => Promise<void>): () => void {
  const refresh = new Coalescer(() =>
    write().catch((error: unknown) => log.error({ err: error }, "tokens could not be written")),
  );
  const timer = setInterval(() => void refresh.request(), REFRESH_MS);
  timer.unref();
  const unwatch = watchClock((step) => {
    log.warn({ seconds: Math.round(step / 1_000) }, "the clock was set; tokens are written anew");
    void refresh.request();
  });
  return () => {
    clearInterval(timer);
    unwatch();
  };
}
