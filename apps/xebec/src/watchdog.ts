import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { backoff, sleep } from "@xebec/core-async";
import { appEntry, NODE_ENVIRONMENT, NODE_FLAGS } from "@xebec/platform-local";
import { packageVersion } from "./package-version.ts";
import { ROOT } from "./paths.ts";

const STABLE_MS = 5_000;
/** How a supervisor ends that was asked to go and leave the mesh running. */
export const EXIT_RELEASED = 143;

/**
 * Keeps the supervisor of a run directory running: starts it again when it is killed. A supervisor that ends by itself, after
 * `xebec down`, stays ended.
 * @param signal ends the watch; the supervisor goes on
 * @returns done: 0 after an intended end, else the exit code of a first start that failed
 */
export function guard(runDir: string, signal: AbortSignal): { readonly done: Promise<number> } {
  const aborted = new Promise<{ code: number | null; killed: boolean }>((resolve) =>
    signal.addEventListener("abort", () => resolve({ code: 0, killed: false }), { once: true }),
  );
  const keep = async (): Promise<number> => {
    for (let attempt = 0; ; attempt++) {
      const since = performance.now();
      if (signal.aborted) return 0;
      const { code, killed } = await Promise.race([once(runDir), aborted]);
      if (signal.aborted || (!killed && code === 0)) return 0;
      // An error at the very first start is for the user, not for another try.
      if (!killed && attempt === 0 && performance.now() - since < STABLE_MS) return code ?? 1;
      if (performance.now() - since > STABLE_MS) attempt = 0;
      await sleep(backoff(attempt, { baseMs: 50, maxMs: 2_000 }), signal);
    }
  };
  return { done: keep() };
}

function once(runDir: string): Promise<{ code: number | null; killed: boolean }> {
  mkdirSync(join(runDir, "logs"), { recursive: true, mode: 0o700 });
  const out = openSync(join(runDir, "logs", "supervisor.log"), "a", 0o600);
  const entry = appEntry(ROOT, "apps/xebec").replace(/main\.(ts|mjs)$/, "supervisor-main.$1");
  // A session of its own: Ctrl-C is for the watchdog, which ends the mesh in order.
  const child: ChildProcess = spawn(process.execPath, [...NODE_FLAGS, entry], {
    detached: true,
    stdio: ["ignore", out, out],
    env: {
      ...process.env,
      ...NODE_ENVIRONMENT,
      XEBEC_VERSION: packageVersion(),
      XEBEC_HOME: runDir,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(runDir, "compile-cache"),
    },
  });
  closeSync(out);
  return new Promise((resolve) => {
    child.once("error", () => resolve({ code: 1, killed: false }));
    child.once("exit", (code, killedBy) => resolve({ code, killed: killedBy !== null || code === EXIT_RELEASED }));
  });
}
