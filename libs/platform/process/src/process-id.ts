import { statFields } from "./proc-file.ts";

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessId {
  readonly pid: number;
  /** When it started, in clock ticks since the machine did (proc(5), field 22 of /proc/PID/stat). */
  readonly startTime: string;
}

/**
 * @returns undefined when there is no such process, or only a zombie
 * @throws XebecError internal when that is unknown
 */
export function processOf(pid: number): ProcessId | undefined {
  const fields = statFields(pid);
  const state = fields?.[0];
  const startTime = fields?.[19];
  return state === "Z" || state === "X" || startTime === undefined ? undefined : { pid, startTime };
}

/** Says whether exactly this process still runs. @throws XebecError internal when that is unknown */
export function isRunning({ pid, startTime }: ProcessId): boolean {
  return processOf(pid)?.startTime === startTime;
}

/** Sends a signal unless the process is gone. */
export function signalProcess(id: ProcessId, signal: NodeJS.Signals): void {
  send(id, id.pid, signal);
}

/** Sends a signal to the group that a process leads, unless the process is gone. */
export function signalGroup(id: ProcessId, signal: NodeJS.Signals): void {
  send(id, -id.pid, signal);
}

function send(id: ProcessId, target: number, signal: NodeJS.Signals): void {
  if (!isRunning(id)) return;
  try {
    process.kill(target, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
