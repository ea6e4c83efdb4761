/** When a key set is fetched the next time, and for how long an old one counts (docs/reference/pilot.md §3.8, JWKS cache). */
export interface Schedule {
  /** After one that was fetched, in milliseconds. */
  readonly refreshMs: number;
  /** After each of the first failures, in milliseconds. */
  readonly retryMs: number;
}

/** Istio's: every 20 minutes; what fails is tried 7 times at once, then after a minute, two, four, up to an hour. */
export const ISTIO_SCHEDULE: Schedule = { refreshMs: 20 * 60_000, retryMs: 1_000 };
/** How long a key set counts that cannot be fetched any more, in milliseconds. */
export const LONGEST_LIFE_MS = 7 * 24 * 3_600_000;

const RETRIES = 7;
const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 3_600_000;

/** How long to wait before the next fetch, in milliseconds. @param failures in a row; 0 after one that went well */
export function pauseMs(failures: number, { refreshMs, retryMs }: Schedule): number {
  if (failures === 0) return refreshMs;
  if (failures <= RETRIES) return retryMs;
  return Math.min(FIRST_PAUSE_MS * 2 ** (failures - RETRIES - 1), LONGEST_PAUSE_MS);
}
