import { readFileSync } from "node:fs";
import { XebecError } from "@xebec/core-errors";

/** What /proc says of a process that has ended. */
const GONE = ["ENOENT", "ESRCH"];

/**
 * Reads a file of /proc/PID.
 * @param denied codes, besides those of a process that has ended, that mean "nothing to see here"
 * @returns undefined when there is no such process
 * @throws XebecError internal for anything else (EMFILE, say): a process that cannot be seen must not be taken for one that ended
 */
export function procFile(pid: number, name: "stat" | "environ", denied: readonly string[] = []): Buffer | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`);
  } catch (error) {
    if ([...GONE, ...denied].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw new XebecError("internal", `/proc/${pid}/${name} cannot be read`, { cause: error });
  }
}

/**
 * The fields of /proc/PID/stat from the third one on (proc(5)): state, parent, group, …
 * @returns undefined when there is no such process
 * @throws XebecError internal
 */
export function statFields(pid: number): readonly string[] | undefined {
  const text = procFile(pid, "stat")?.toString();
  // The second field is the program's name in parentheses, which may hold anything.
  return text?.slice(text.lastIndexOf(")") + 2).split(" ");
}
