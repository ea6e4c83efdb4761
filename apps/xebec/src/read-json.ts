import { readFileSync } from "node:fs";
import { XebecError } from "@xebec/core-errors";

/**
 * Reads an object from a file of the run directory.
 * @param advice what to do when the file is damaged, a clause: `remove it`
 * @returns undefined when there is no such file
 * @throws XebecError failed_precondition for a file that cannot be read or holds something else
 */
export function readJson<T extends object>(path: string, advice: string): T | undefined {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    const what = error instanceof SyntaxError ? "is damaged" : "cannot be read";
    throw new XebecError("failed_precondition", `${path} ${what}; ${advice}`, { cause: error });
  }
  if (typeof value !== "object" || value === null)
    throw new XebecError("failed_precondition", `${path} is damaged; ${advice}`);
  return value as T;
}
