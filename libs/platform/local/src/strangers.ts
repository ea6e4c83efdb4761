import { readlinkSync } from "node:fs";
import { sleep } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import {
  describeProcessesWithEnv,
  isRunning,
  POD_UID_ENV,
  PROCESS_NAME_ENV,
  type ProcessId,
  RUN_ID_ENV,
  signalProcess,
} from "@xebec/platform-process";

const log = logger("local");

/**
 * The run id of a mesh whose state file is gone: of a process that carries one and works in the run directory.
 * @returns undefined when nothing of a mesh runs there
 * @throws XebecError internal when /proc cannot be read
 */
export function findRun(runDir: string): string | undefined {
  const here = describeProcessesWithEnv(RUN_ID_ENV).find(({ pid }) => {
    const cwd = workingDirectory(pid);
    return cwd === runDir || cwd?.startsWith(`${runDir}/`);
  });
  if (here)
    log.warn(
      { runDir, pid: here.pid },
      "the state file is gone; the mesh is known by the environment of its processes",
    );
  return here?.env(RUN_ID_ENV);
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
  /** Services that shall run, by process name. */
  readonly services: ReadonlySet<string>;
  /** Uids of the pods that are known. */
  readonly pods: ReadonlySet<string>;
  /** What an earlier supervisor wrote down, by name: older versions set no name in the environment. */
  readonly processes: Readonly<Record<string, ProcessId>>;
  readonly graceMs: number;
}

/**
 * Ends processes of this mesh that nobody wants any more, for example the six services under `--monolith`, or containers of a pod
 * that is not known: they hold addresses. Returns when they are gone.
 */
export async function endStrangers({ runId, services, pods, processes, graceMs }: Known): Promise<void> {
  const isStrange = (name: string | undefined, pod: string | undefined): boolean =>
    pod !== undefined ? !pods.has(pod) : name?.startsWith("service/") === true && !services.has(name);
  const strangers: ProcessId[] = [
    ...describeProcessesWithEnv(RUN_ID_ENV, runId).filter((each) =>
      isStrange(each.env(PROCESS_NAME_ENV), each.env(POD_UID_ENV)),
    ),
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
