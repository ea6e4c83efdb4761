import { Coalescer, watchClock } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import { writeFileAtomic } from "@xebec/platform-files";
import { SERVICES } from "./address-plan.ts";
import type { MintToken } from "./pod-volumes.ts";
import { SYSTEM_NAMESPACE } from "./records.ts";
import { SERVICE_ACCOUNTS, tokenFile } from "./services.ts";

const log = logger("local");
const TOKEN_AUDIENCE = "istio-ca";
/** Tokens live for a day and are written anew long before. */
const REFRESH_MS = 6 * 3_600_000;

/** Writes the token with which each service proves to citadel who it is. */
export async function writeServiceTokens(runDir: string, mint: MintToken): Promise<void> {
  for (const service of SERVICES)
    await writeFileAtomic(
      tokenFile(runDir, service),
      await mint(SYSTEM_NAMESPACE, SERVICE_ACCOUNTS[service], TOKEN_AUDIENCE),
      { mode: 0o600 },
    );
}

/**
 * Has tokens written anew long before they end, and when the clock was set: one from the future is refused.
 * @returns ends that
 */
export function keepTokensFresh(write: () => Promise<void>): () => void {
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
