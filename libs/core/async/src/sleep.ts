import { setTimeout as delay } from "node:timers/promises";

/** Waits `ms` milliseconds, or until `signal` aborts (then it resolves early instead of throwing). */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, signal ? { signal } : undefined);
  } catch (error) {
    if (!isAbort(error)) throw error;
  }
}

/** Says whether an error only means that an AbortSignal fired. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === "AbortError" || ("code" in error && error.code === "ABORT_ERR"));
}
