import { type Stats, statSync } from "node:fs";
import { stat } from "node:fs/promises";

export interface FileState {
  readonly stats: Stats;
  /** Changes with every change of the file. */
  readonly text: string;
}

/** The state of a file or folder; undefined when it does not exist. */
export async function stateOf(path: string): Promise<FileState | undefined> {
  try {
    const stats = await stat(path);
    return { stats, text: `${stats.size} ${stats.mtimeMs} ${stats.ctimeMs} ${stats.ino}` };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

/** A short text that changes with the file or folder, without waiting; the error's code when there is none. */
export function stampOf(path: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(path);
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}
