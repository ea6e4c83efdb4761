import { sleep } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import {
  groupMembers,
  INSTANCE_ID_ENV,
  isRunning,
  type ProcessId,
  processesWithEnv,
  RUN_ID_ENV,
  signalGroup,
  signalProcess,
} from "@xebec/platform-process";
import type { MainProcess } from "./main-processes.ts";
import type { ProcessSpec } from "./process-spec.ts";

const log = logger("local");

/** Ends a group of processes: SIGTERM, then SIGKILL after the grace period. Resolves when the first of them has ended. */
export async function terminateGroup(id: ProcessId, graceMs: number): Promise<void> {
  signalGroup(id, "SIGTERM");
  const until = performance.now() + graceMs;
  while (isRunning(id) && performance.now() < until) await sleep(20);
  signalGroup(id, "SIGKILL");
  while (isRunning(id)) await sleep(5);
}

/** Ends what a process has left behind: in its group, or wherever its own processes have put themselves. */
export function endLeftovers(spec: ProcessSpec, id: ProcessId, instance: string | undefined): void {
  const run = spec.env[RUN_ID_ENV];
  if (run === undefined) return;
  try {
    const own = instance === undefined ? [] : processesWithEnv(INSTANCE_ID_ENV, instance);
    for (const each of [...own, ...groupMembers(id, RUN_ID_ENV, run)]) signalProcess(each, "SIGKILL");
  } catch (error) {
    // Its successor matters more; the end of the mesh looks for what is left.
    log.error({ process: spec.name, err: error }, "what the process left behind cannot be ended");
  }
}

/** Ends a process that an earlier supervisor has started beside the one that goes on. @param kept the pid of that one */
export function endDuplicate(spec: ProcessSpec, other: MainProcess, kept: number | undefined): void {
  log.warn({ process: spec.name, pid: other.pid, keeps: kept }, "a second instance of the process is ended");
  signalProcess(other, "SIGKILL");
  if (other.instance === undefined || spec.leavesChildren) return;
  for (const each of processesWithEnv(INSTANCE_ID_ENV, other.instance)) signalProcess(each, "SIGKILL");
}
