import { backoff, sleep } from "@xebec/core-async";
import type { Probe } from "@xebec/platform-local/manifest-objects";

/** Kubernetes' defaults, in seconds and times. */
const DEFAULTS = {
  initialDelaySeconds: 0,
  periodSeconds: 10,
  timeoutSeconds: 1,
  successThreshold: 1,
  failureThreshold: 3,
} as const;
type Settings = { readonly [K in keyof typeof DEFAULTS]: number };

/** How soon is asked again before the first success; kubelet waits a whole period. */
const SOON = { baseMs: 100, maxMs: 1_000 };

export function probeSettings(probe: Probe): Settings {
  const given = Object.entries(probe).filter(([key, value]) => key in DEFAULTS && typeof value === "number");
  return { ...DEFAULTS, ...Object.fromEntries(given) };
}

/**
 * Asks again and again, as kubelet does.
 * @param ask one probe: whether it went well
 * @param result called when the thresholds are reached: the first time, and whenever the answer becomes another one
 * @returns when `signal` aborts or `result` returns true
 */
export async function keepProbing(
  probe: Probe,
  ask: () => Promise<boolean>,
  result: (good: boolean) => boolean | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { initialDelaySeconds, periodSeconds, successThreshold, failureThreshold } = probeSettings(probe);
  const periodMs = periodSeconds * 1_000;
  await sleep(initialDelaySeconds * 1_000, signal);
  let state: boolean | undefined;
  let good = 0;
  let bad = 0;
  let failing = performance.now();
  for (let attempt = 0; !signal.aborted; attempt++) {
    const answer = await ask();
    if (signal.aborted) return;
    if (answer) {
      good++;
      bad = 0;
      failing = Number.POSITIVE_INFINITY;
    } else {
      good = 0;
      if (failing === Number.POSITIVE_INFINITY) failing = performance.now() - periodMs;
      // Failures count once a period, however often is asked.
      bad = Math.max(1, Math.floor((performance.now() - failing) / periodMs));
    }
    if (state !== true && good >= successThreshold) {
      state = true;
      if (result(true)) return;
    } else if (state !== false && bad >= failureThreshold) {
      state = false;
      if (result(false)) return;
    }
    const first = state === undefined;
    await sleep(first ? Math.min(backoff(attempt, SOON), periodMs) : periodMs, signal);
  }
}
