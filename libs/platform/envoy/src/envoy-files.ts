import { readFileSync } from "node:fs";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { writeFileAtomic } from "@xebec/platform-files";
import type { ProcessId } from "@xebec/platform-process";

const log = logger("envoy");

/** The Envoy that an agent leaves for the next one. */
export interface RecordedEnvoy extends ProcessId {
  readonly nodeId: string;
  /** SHA-256 of bootstrap and arguments. */
  readonly hash: string;
}

/** @returns undefined when there is no such file, or (after a warning) when it says nothing usable */
export function readEnvoyRecord(path: string): RecordedEnvoy | undefined {
  try {
    const recorded = JSON.parse(readFileSync(path, "utf8")) as RecordedEnvoy;
    if (Number.isInteger(recorded.pid) && recorded.pid > 1 && typeof recorded.startTime === "string") return recorded;
    log.warn({ file: path }, "the pid file names no process");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") log.warn({ err: error, file: path }, "no usable pid file");
  }
  return undefined;
}

export function writeEnvoyRecord(path: string, recorded: RecordedEnvoy): Promise<void> {
  return writeFileAtomic(path, `${JSON.stringify(recorded)}\n`, { mode: 0o600, sync: false });
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
