import {
  describeProcessesWithEnv,
  INSTANCE_ID_ENV,
  isRunning,
  PROCESS_NAME_ENV,
  type ProcessId,
  type ProcessWithEnv,
  RUN_ID_ENV,
} from "@xebec/platform-process";

/** The first process of one start of a managed process. */
export interface MainProcess extends ProcessId {
  /** Names the start; what the process starts has the same. Absent in records of older versions. */
  readonly instance?: string | undefined;
}

/** What a supervisor has written down of a managed process. */
export interface ProcessRecord {
  /** The process that it started or adopted. */
  readonly process?: MainProcess | undefined;
  /** The instance that it was about to start. */
  readonly starting?: string | undefined;
}

/**
 * The processes of a mesh that supervisors have started, by name, the oldest first: found by their environment, so also those that
 * nobody has written down.
 * @throws XebecError internal when /proc cannot be read
 */
export function mainProcesses(runId: string): ReadonlyMap<string, readonly MainProcess[]> {
  return mainsOf(describeProcessesWithEnv(RUN_ID_ENV, runId));
}

/** Those with one name. @throws XebecError internal when /proc cannot be read */
export function mainProcessesOf(runId: string, name: string): readonly MainProcess[] {
  return (
    mainsOf(describeProcessesWithEnv(PROCESS_NAME_ENV, name).filter((each) => each.env(RUN_ID_ENV) === runId)).get(
      name,
    ) ?? []
  );
}

function mainsOf(processes: readonly ProcessWithEnv[]): Map<string, MainProcess[]> {
  const byPid = new Map(processes.map((each) => [each.pid, each]));
  const found = new Map<string, MainProcess[]>();
  for (const each of processes.toSorted((a, b) => Number(a.startTime) - Number(b.startTime) || a.pid - b.pid)) {
    const name = each.env(PROCESS_NAME_ENV);
    const instance = each.env(INSTANCE_ID_ENV);
    // A managed process is started as a session of its own. What it starts has its environment, and may be a session of its own as well.
    if (name === undefined || each.session !== each.pid) continue;
    if (byPid.get(each.parent)?.env(INSTANCE_ID_ENV) === instance) continue;
    found.set(name, [...(found.get(name) ?? []), { pid: each.pid, startTime: each.startTime, instance }]);
  }
  return found;
}

/**
 * Which process goes on, when its supervisor ended at any moment:
 *
 *     nothing ──▶ intention written ──▶ process runs ──▶ process written ──▶ process ended ──▶ nothing
 *                 (starting)            (environment)    (process)
 *
 * The process that was written down, while it runs; else the one that was about to be started; else the oldest one that is no
 * child of a start that is over.
 * @param found those with its name, the oldest first
 */
export function chooseProcess(
  found: readonly MainProcess[],
  { process: written, starting }: ProcessRecord,
): MainProcess | undefined {
  if (written && isRunning(written)) return written;
  const living = found.filter(
    (each) => isRunning(each) && (written?.instance === undefined || each.instance !== written.instance),
  );
  return living.find((each) => starting !== undefined && each.instance === starting) ?? living[0];
}
