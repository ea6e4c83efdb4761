import { readdirSync, readFileSync } from "node:fs";

/** A process, told apart from a later one with the same id by its start time (field 22 of /proc/PID/stat, in clock ticks). */
export interface ProcessId {
  readonly pid: number;
  readonly startTime: string;
}

/** The identity of a running process; undefined when there is none, or only its remains. */
export function processOf(pid: number): ProcessId | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold anything; the fields begin after the last parenthesis.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state] = fields;
    const startTime = fields[19];
    return state === "Z" || state === "X" || startTime === undefined ? undefined : { pid, startTime };
  } catch {
    return undefined;
  }
}

/** True while exactly this process runs. */
export function isRunning(id: ProcessId): boolean {
  return processOf(id.pid)?.startTime === id.startTime;
}

/** Sends a signal to a process group; a group that is gone is no error. */
export function signalGroup(id: ProcessId, signal: NodeJS.Signals): void {
  send(id, -id.pid, signal);
}

/** Sends a signal to one process; one that is gone is no error. */
export function signalProcess(id: ProcessId, signal: NodeJS.Signals): void {
  send(id, id.pid, signal);
}

function send(id: ProcessId, target: number, signal: NodeJS.Signals): void {
  if (!isRunning(id)) return;
  try {
    process.kill(target, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/**
 * The processes of a group that carry a mark: also when the first of them, whose id names the group, has ended. The mark keeps
 * a later group with the same number out.
 */
export function groupMembers(id: ProcessId, name: string, value: string): ProcessId[] {
  return processesMarked(name, value).filter(({ pid }) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]) === id.pid;
    } catch {
      return false; // gone meanwhile
    }
  });
}

/** All processes whose environment holds `NAME=VALUE`: what was started with the mark, and everything below it. */
export function processesMarked(name: string, value: string): ProcessId[] {
  const mark = Buffer.from(`${name}=${value}\0`);
  const found: ProcessId[] = [];
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    try {
      if (!readFileSync(`/proc/${entry}/environ`).includes(mark)) continue;
    } catch {
      continue; // gone meanwhile, or another user's
    }
    const id = processOf(Number(entry));
    if (id) found.push(id);
  }
  return found;
}
