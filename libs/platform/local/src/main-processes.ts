import {
  INSTANCE_MARK,
  isRunning,
  type MarkedProcess,
  markedProcesses,
  type ProcessId,
  RUN_MARK,
  UNIT_MARK,
} from "@xebec/platform-process";

/** The first process of one start of a unit. */
export interface UnitProcess extends ProcessId {
  /** Names the start; what the process starts carries the same mark. Absent in records of older versions. */
  readonly instance?: string | undefined;
}

/** What a supervisor has written down of a unit. */
export interface UnitRecord {
  /** The process that it started or adopted. */
  readonly process?: UnitProcess | undefined;
  /** The instance that it was about to start. */
  readonly starting?: string | undefined;
}

/**
 * The processes of a mesh that supervisors have started, by unit, the oldest first: found by their marks, so also those that
 * nobody has written down.
 * @throws XebecError internal when /proc cannot be read
 */
export function mainProcesses(runId: string): ReadonlyMap<string, readonly UnitProcess[]> {
  return mainsOf(markedProcesses(RUN_MARK, runId));
}

/** Those of one unit. @throws XebecError internal when /proc cannot be read */
export function mainProcessesOf(runId: string, unit: string): readonly UnitProcess[] {
  return mainsOf(markedProcesses(UNIT_MARK, unit).filter((each) => each.mark(RUN_MARK) === runId)).get(unit) ?? [];
}

function mainsOf(processes: readonly MarkedProcess[]): Map<string, UnitProcess[]> {
  const byPid = new Map(processes.map((each) => [each.pid, each]));
  const found = new Map<string, UnitProcess[]>();
  for (const each of processes.toSorted((a, b) => Number(a.startTime) - Number(b.startTime) || a.pid - b.pid)) {
    const unit = each.mark(UNIT_MARK);
    const instance = each.mark(INSTANCE_MARK);
    // A unit is started as a session of its own. What it starts has its marks, and may be a session of its own as well.
    if (unit === undefined || each.session !== each.pid) continue;
    if (byPid.get(each.parent)?.mark(INSTANCE_MARK) === instance) continue;
    found.set(unit, [...(found.get(unit) ?? []), { pid: each.pid, startTime: each.startTime, instance }]);
  }
  return found;
}

/**
 * Which process goes on as the unit's, when its supervisor ended at any moment:
 *
 *     nothing ──▶ intention written ──▶ process runs ──▶ process written ──▶ process ended ──▶ nothing
 *                 (starting)            (marks only)     (process)
 *
 * The process that was written down, while it runs; else the one that was about to be started; else the oldest one that is no
 * child of a start that is over.
 * @param found of the unit, the oldest first
 */
export function chooseProcess(
  found: readonly UnitProcess[],
  { process: written, starting }: UnitRecord,
): UnitProcess | undefined {
  if (written && isRunning(written)) return written;
  const living = found.filter(
    (each) => isRunning(each) && (written?.instance === undefined || each.instance !== written.instance),
  );
  return living.find((each) => starting !== undefined && each.instance === starting) ?? living[0];
}
