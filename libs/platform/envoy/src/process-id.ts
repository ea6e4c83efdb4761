import { readFileSync } from "node:fs";
import { XebecError } from "@xebec/core-errors";

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessId {
  readonly pid: number;
  /** When it started, in clock ticks since the machine did (proc(5), field 22 of /proc/PID/stat). */
  readonly startTime: string;
}

/** @returns undefined when there is no such process, or only a zombie */
export function processOf(pid: number): ProcessId | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw new XebecError("internal", `/proc/${pid}/stat cannot be read`, { cause: error });
  }
  // The second field is the program's name in parentheses, which may hold anything.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state] = fields;
  const startTime = fields[19];
  return state === "Z" || state === "X" || startTime === undefined ? undefined : { pid, startTime };
}

/** Says whether exactly this process still runs. */
export function isRunning({ pid, startTime }: ProcessId): boolean {
  return processOf(pid)?.startTime === startTime;
}

/** Sends a signal unless the process is gone. */
export function signalProcess(id: ProcessId, signal: NodeJS.Signals): void {
  if (!isRunning(id)) return;
  try {
    process.kill(id.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
