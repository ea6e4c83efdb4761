import { sleep } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import { isRunning, type ProcessId, signalProcess } from "@xebec/platform-process";
import type { EnvoyAdmin } from "./envoy-admin.ts";

const log = logger("envoy");
const POLL_MS = 50;
const KILL_MS = 3_000;

export interface DrainOptions {
  readonly admin: EnvoyAdmin;
  /** How long connections may end by themselves before Envoy is ended, in milliseconds. */
  readonly drainMs: number;
  /** Ends the drain early when no client is connected any more, but not before so many milliseconds; undefined: never early. */
  readonly exitOnZeroAfterMs?: number | undefined;
  /** Query of /drain_listeners. */
  readonly drainQuery: string;
}

/** Makes Envoy fail its health checks and drain, and waits as long as that may take. An Envoy that does not listen is not waited for. */
export async function drainEnvoy(id: ProcessId, options: DrainOptions): Promise<void> {
  const { admin, drainMs, drainQuery, exitOnZeroAfterMs = Number.POSITIVE_INFINITY } = options;
  try {
    await admin.post("/healthcheck/fail");
    await admin.post(`/drain_listeners?${drainQuery}`);
  } catch (error) {
    log.warn({ err: error }, "Envoy could not be asked to drain");
    return;
  }
  const begin = performance.now();
  for (let past = 0; past < drainMs && isRunning(id); past = performance.now() - begin) {
    await sleep(Math.min(POLL_MS, drainMs));
    // New connections come until load balancers have seen that this pod goes: none now does not mean none in a second.
    if (performance.now() - begin >= exitOnZeroAfterMs && (await connections(admin)) === 0) return;
  }
}

async function connections(admin: EnvoyAdmin): Promise<number> {
  try {
    return await admin.activeConnections();
  } catch {
    return Number.NaN;
  }
}

/** Ends Envoy, with SIGKILL when SIGTERM does not do; returns when it is gone. */
export async function endEnvoy(id: ProcessId): Promise<void> {
  signalProcess(id, "SIGTERM");
  for (const until = performance.now() + KILL_MS; isRunning(id); await sleep(5))
    if (performance.now() > until) signalProcess(id, "SIGKILL");
}
