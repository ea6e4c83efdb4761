import { readdirSync } from "node:fs";
import { procFile, statFields } from "./proc-file.ts";
import { type ProcessId, processOf } from "./process-id.ts";

/** Another user's process does not show its environment, and is none of ours. */
const ANOTHER_USERS = ["EACCES", "EPERM"];

/** A process as its environment and /proc/PID/stat show it. */
export interface ProcessWithEnv extends ProcessId {
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** The value of a variable that it was started with; undefined when it has none. */
  env(name: string): string | undefined;
}

/**
 * The processes of a group that have a variable in their environment: also when the first of them, whose id names the group, has ended. The value keeps
 * a later group with the same number out.
 * @throws XebecError internal when /proc cannot be read
 */
export function groupMembers(leader: ProcessId, name: string, value: string): ProcessId[] {
  return processesWithEnv(name, value).filter(({ pid }) => Number(statFields(pid)?.[2]) === leader.pid);
}

/**
 * All processes whose environment holds `NAME=VALUE`: what was started with it, and everything below; without this process.
 * @throws XebecError internal when /proc cannot be read
 */
export function processesWithEnv(name: string, value: string): ProcessId[] {
  return environments(`${name}=${value}\0`).flatMap(({ pid }) => processOf(pid) ?? []);
}

/**
 * As `processesWithEnv`, with what else is known of each.
 * @param value absent: any value
 * @throws XebecError internal when /proc cannot be read
 */
export function describeProcessesWithEnv(name: string, value?: string): ProcessWithEnv[] {
  return environments(value === undefined ? `${name}=` : `${name}=${value}\0`).flatMap(({ pid, environment }) => {
    const fields = statFields(pid);
    const id = processOf(pid);
    if (!fields || !id) return [];
    const [parent, group, session] = fields.slice(1, 4).map(Number) as [number, number, number];
    const env = (variable: string): string | undefined =>
      environment
        .toString()
        .split("\0")
        .find((each) => each.startsWith(`${variable}=`))
        ?.slice(variable.length + 1);
    return [{ ...id, parent, group, session, env }].filter((each) => each.env(name) !== undefined);
  });
}

function environments(text: string): { readonly pid: number; readonly environment: Buffer }[] {
  const searched = Buffer.from(text);
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .flatMap((entry) => {
      const environment = procFile(Number(entry), "environ", ANOTHER_USERS);
      return environment?.includes(searched) ? [{ pid: Number(entry), environment }] : [];
    });
}
