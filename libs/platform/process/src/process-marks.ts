import { readdirSync } from "node:fs";
import { procFile, statFields } from "./proc-file.ts";
import { type ProcessId, processOf } from "./process-id.ts";

/** Another user's process does not show its environment, and is none of ours. */
const ANOTHER_USERS = ["EACCES", "EPERM"];

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
  const mark = Buffer.from(`${name}=${value}\0`);
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .filter((entry) => procFile(Number(entry), "environ", ANOTHER_USERS)?.includes(mark))
    .flatMap((entry) => processOf(Number(entry)) ?? []);
}
