import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort } from "node:worker_threads";
import { call } from "../e2e/mesh.ts";
import type { LongestCheck, ProbedProcess } from "./health-probe.ts";

const ASK_EVERY_MS = 20;
const TIMEOUT_MS = 30_000;
const NONE: LongestCheck = { totalMs: 0, ownMs: 0, queuedMs: 0 };

const longest = new Map<string, LongestCheck>();

parentPort?.on("message", (message: ReadonlyMap<string, ProbedProcess> | "take") => {
  if (message !== "take") {
    for (const [name, each] of message) void probe(name, each);
    return;
  }
  parentPort?.postMessage(new Map(longest));
  for (const name of longest.keys()) longest.set(name, NONE);
});

async function probe(name: string, { pid, target }: ProbedProcess): Promise<never> {
  longest.set(name, NONE);
  for (;;) {
    const before = schedulingOf(pid);
    const began = performance.now();
    await call({ timeout: TIMEOUT_MS, ...target });
    const totalMs = performance.now() - began;
    if (totalMs > (longest.get(name) ?? NONE).totalMs) {
      const { ranMs, queuedMs } = schedulingOf(pid);
      longest.set(name, { totalMs, ownMs: ranMs - before.ranMs, queuedMs: queuedMs - before.queuedMs });
    }
    await sleep(ASK_EVERY_MS);
  }
}

/** For how long a process' main thread has had a core so far, and has waited for one. */
function schedulingOf(pid: number): { ranMs: number; queuedMs: number } {
  const [ran = 0, queued = 0] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8").split(" ").map(Number);
  return { ranMs: ran / 1e6, queuedMs: queued / 1e6 };
}
