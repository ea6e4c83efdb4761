import { readlinkSync } from "node:fs";
import { sleep } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import {
  isRunning,
  markedProcesses,
  POD_MARK,
  type ProcessId,
  RUN_MARK,
  signalProcess,
  UNIT_MARK,
} from "@xebec/platform-process";

const log = logger("local");

/**
 * The run id of a mesh whose state file is gone: of a process that carries one and works in the run directory.
 * @returns undefined when nothing of a mesh runs there
 * @throws XebecError internal when /proc cannot be read
 */
export function findRun(runDir: string): string | undefined {
  const here = markedProcesses(RUN_MARK).find(({ pid }) => {
    const cwd = workingDirectory(pid);
    return cwd === runDir || cwd?.startsWith(`${runDir}/`);
  });
  if (here)
    log.warn({ runDir, pid: here.pid }, "the state file is gone; the mesh is known by the marks of its processes");
  return here?.mark(RUN_MARK);
}

function workingDirectory(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined; // it has ended, or is another user's
  }
}

export interface Known {
  readonly runId: string;
  /** Services that shall run, by unit name. */
  readonly services: ReadonlySet<string>;
  /** Uids of the pods that are known. */
  readonly pods: ReadonlySet<string>;
  /** What an earlier supervisor wrote down, by unit name: older versions did not mark units. */
  readonly processes: Readonly<Record<string, ProcessId>>;
  readonly graceMs: number;
}

/**
 * Ends processes of this mesh that nobody wants any more, for example the six services under `--monolith`, or containers of a pod
 * that is not known: they hold addresses. Returns when they are gone.
 */
export async function endStrangers({ runId, services, pods, processes, graceMs }: Known): Promise<void> {
  const isStrange = (unit: string | undefined, pod: string | undefined): boolean =>
    pod !== undefined ? !pods.has(pod) : unit?.startsWith("service/") === true && !services.has(unit);
  const strangers: ProcessId[] = [
    ...markedProcesses(RUN_MARK, runId).filter((each) => isStrange(each.mark(UNIT_MARK), each.mark(POD_MARK))),
    ...Object.entries(processes).flatMap(([name, id]) => (isStrange(name, undefined) ? [id] : [])),
  ].filter(isRunning);
  if (strangers.length === 0) return;
  log.info({ pids: strangers.map(({ pid }) => pid) }, "processes that nobody wants any more are ended");
  for (const each of strangers) signalProcess(each, "SIGTERM");
  for (const until = performance.now() + graceMs; performance.now() < until && strangers.some(isRunning); )
    await sleep(20);
  for (const each of strangers) signalProcess(each, "SIGKILL");
  while (strangers.some(isRunning)) await sleep(5);
}
