import { XebecError } from "@xebec/core-errors";
import { sleep } from "./sleep.ts";

/**
 * Waits until `probe` returns something other than undefined, false or null.
 * @param what names the condition in the error
 * @param timeoutMs how long to try; `everyMs` how often (10 ms)
 * @throws XebecError deadline_exceeded, with the last error of the probe as its cause
 */
export async function waitFor<T>(
  what: string,
  timeoutMs: number,
  probe: () => T | Promise<T>,
  everyMs = 10,
): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined && value !== null && value !== false) return value as NonNullable<Exclude<T, false>>;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      const why = last instanceof Error ? `: ${last.message}` : "";
      throw new XebecError("deadline_exceeded", `${what}: not within ${timeoutMs} ms${why}`, { cause: last });
    }
    await sleep(everyMs);
  }
}
