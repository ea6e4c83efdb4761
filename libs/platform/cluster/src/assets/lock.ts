import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { sleep } from "@xebec/core-async";
import { isRunning, type ProcessId, processOf } from "@xebec/platform-process";

/**
 * Holds a lock file while `work` runs. Another process that wants it waits; the lock of a process that is gone counts for nothing.
 * @param waiting called once when somebody else has it
 */
export async function withLock<T>(path: string, work: () => Promise<T>, waiting: (pid: number) => void): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  for (let said = false; !take(path); ) {
    const holder = holderOf(path);
    if (holder && !isRunning(holder)) {
      rmSync(path, { force: true });
      continue;
    }
    if (holder && !said) waiting(holder.pid);
    said ||= holder !== undefined;
    await sleep(200);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function take(path: string): boolean {
  try {
    writeFileSync(path, JSON.stringify(processOf(process.pid)), { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** @returns undefined while it is being written, or when it is gone again */
function holderOf(path: string): ProcessId | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as ProcessId;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
