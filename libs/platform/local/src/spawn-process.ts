import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { INSTANCE_ID_ENV, PROCESS_NAME_ENV } from "@xebec/platform-process";
import type { ProcessSpec } from "./process-spec.ts";

/**
 * Starts a process as a session of its own that appends to its log file, so that it outlives this one.
 * @param instance names this start; it is in the environment of the process
 * @throws Error when the log cannot be opened or the program cannot be started
 */
export async function spawnProcess(spec: ProcessSpec, instance: string): Promise<ChildProcess> {
  const { name, command, env, cwd, logFile } = spec;
  const [file, ...args] = command;
  mkdirSync(dirname(logFile), { recursive: true, mode: 0o700 });
  // A pipe would die with its reader; a file does not.
  const out = openSync(logFile, "a", 0o600);
  try {
    const child = spawn(file, args, {
      cwd,
      env: { ...env, [PROCESS_NAME_ENV]: name, [INSTANCE_ID_ENV]: instance },
      detached: true,
      stdio: ["ignore", out, out],
    });
    await started(child);
    child.unref();
    return child;
  } finally {
    closeSync(out);
  }
}

function started(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
}
