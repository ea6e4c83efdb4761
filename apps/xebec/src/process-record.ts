import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { writeFileAtomic } from "@xebec/platform-files";
import { isRunning, type ProcessId, processOf, signalProcess } from "@xebec/platform-process";

/** Processes that a run directory remembers, besides those of the supervisor's state file. */
export type Recorded = "watchdog" | "supervisor";

function fileOf(runDir: string, name: Recorded): string {
  return join(runDir, `${name}.json`);
}

/** Remembers this process as the watchdog or the supervisor of a run directory. */
export async function recordProcess(runDir: string, name: Recorded): Promise<void> {
  await writeFileAtomic(fileOf(runDir, name), JSON.stringify(processOf(process.pid)), { mode: 0o600 });
}

export async function forgetProcess(runDir: string, name: Recorded): Promise<void> {
  await rm(fileOf(runDir, name), { force: true });
}

/** The recorded process; undefined when it does not run any more. @throws XebecError internal when that is unknown */
export function recordedProcess(runDir: string, name: Recorded): ProcessId | undefined {
  let id: ProcessId;
  try {
    id = JSON.parse(readFileSync(fileOf(runDir, name), "utf8")) as ProcessId;
  } catch (error) {
    // No record, or one that was cut off: there is nothing to go by.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new XebecError("internal", `${fileOf(runDir, name)} cannot be read`, { cause: error });
  }
  return isRunning(id) ? id : undefined;
}

/** Waits until none of these runs any more. @returns those that still do */
export async function waitForEnd(processes: readonly ProcessId[], timeoutMs: number): Promise<ProcessId[]> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const left = processes.filter(isRunning);
    if (left.length === 0 || performance.now() > until) return left;
    await sleep(20);
  }
}

/** Ends processes: asks, waits, then insists. */
export async function endProcesses(processes: readonly ProcessId[], graceMs: number): Promise<void> {
  for (const each of processes) signalProcess(each, "SIGTERM");
  const left = await waitForEnd(processes, graceMs);
  for (const each of left) signalProcess(each, "SIGKILL");
  await waitForEnd(left, 1_000);
}
