import { readdirSync } from "node:fs";
import { procFile, statFields } from "./proc-file.ts";
import { type ProcessId, processOf } from "./process-id.ts";

/** Another user's process does not show its environment, and is none of ours. */
const ANOTHER_USERS = ["EACCES", "EPERM"];

/** A process as its environment and /proc/PID/stat show it. */
export interface MarkedProcess extends ProcessId {
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** The value of a variable that it was started with; undefined when it has none. */
  mark(name: string): string | undefined;
}

/**
 * The processes of a group that carry a mark: also when the first of them, whose id names the group, has ended. The mark keeps
 * a later group with the same number out.
 * @throws XebecError internal when /proc cannot be read
 */
export function groupMembers(leader: ProcessId, name: string, value: string): ProcessId[] {
  return processesMarked(name, value).filter(({ pid }) => Number(statFields(pid)?.[2]) === leader.pid);
}

/**
 * All processes whose environment holds `NAME=VALUE`: what was started with the mark, and everything below it; this process
 * left out.
 * @throws XebecError internal when /proc cannot be read
 */
export function processesMarked(name: string, value: string): ProcessId[] {
  return environments(`${name}=${value}\0`).flatMap(({ pid }) => processOf(pid) ?? []);
}

/**
 * As `processesMarked`, with what else is known of each.
 * @param value absent: whatever the mark's value
 * @throws XebecError internal when /proc cannot be read
 */
export function markedProcesses(name: string, value?: string): MarkedProcess[] {
  return environments(value === undefined ? `${name}=` : `${name}=${value}\0`).flatMap(({ pid, environment }) => {
    const fields = statFields(pid);
    const id = processOf(pid);
    if (!fields || !id) return [];
    const [parent, group, session] = fields.slice(1, 4).map(Number) as [number, number, number];
    const mark = (wanted: string): string | undefined =>
      environment
        .toString()
        .split("\0")
        .find((each) => each.startsWith(`${wanted}=`))
        ?.slice(wanted.length + 1);
    return [{ ...id, parent, group, session, mark }].filter((each) => each.mark(name) !== undefined);
  });
}

function environments(text: string): { readonly pid: number; readonly environment: Buffer }[] {
  const wanted = Buffer.from(text);
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .flatMap((entry) => {
      const environment = procFile(Number(entry), "environ", ANOTHER_USERS);
      return environment?.includes(wanted) ? [{ pid: Number(entry), environment }] : [];
    });
}
