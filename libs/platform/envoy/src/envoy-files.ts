import { readFileSync } from "node:fs";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { writeFileAtomic } from "@xebec/platform-files";
import type { ProcessId } from "@xebec/platform-process";

const log = logger("envoy");

/** The Envoy that an agent leaves for the next one. */
export interface Kept extends ProcessId {
  readonly nodeId: string;
  /** SHA-256 of bootstrap and arguments. */
  readonly hash: string;
}

/** @returns undefined when there is no such file, or (after a warning) when it says nothing usable */
export function readKept(path: string): Kept | undefined {
  try {
    const kept = JSON.parse(readFileSync(path, "utf8")) as Kept;
    if (Number.isInteger(kept.pid) && kept.pid > 1 && typeof kept.startTime === "string") return kept;
    log.warn({ file: path }, "the pid file names no process");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") log.warn({ err: error, file: path }, "no usable pid file");
  }
  return undefined;
}

export function writeKept(path: string, kept: Kept): Promise<void> {
  return writeFileAtomic(path, `${JSON.stringify(kept)}\n`, { mode: 0o600, sync: false });
}

/** @returns the text of a file; empty when there is none */
export function readBootstrap(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw new XebecError("failed_precondition", `${path} cannot be read`, { cause: error });
  }
}
