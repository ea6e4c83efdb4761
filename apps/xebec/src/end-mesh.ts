import { rm } from "node:fs/promises";
import { join } from "node:path";
import { isXebecError, type XebecError } from "@xebec/core-errors";
import { type ProcessId, processesWithEnv, RUN_ID_ENV } from "@xebec/platform-process";
import { callSupervisor } from "./control.ts";
import { controlSocket } from "./paths.ts";
import { endProcesses, forgetProcess, recordedProcess, waitForEnd } from "./process-record.ts";
import { readJson } from "./read-json.ts";

const DOWN_TIMEOUT_MS = 20_000;
const GRACE_MS = 3_000;
/** Codes of a supervisor that is gone, or takes too long. */
const ABSENT: readonly string[] = ["unavailable", "deadline_exceeded"];

/**
 * Everything that still runs of the mesh of a run directory, the watchdog and the supervisor left out.
 * @throws XebecError failed_precondition when its state file is damaged: then nobody knows
 */
export function meshProcesses(runDir: string): ProcessId[] {
  const path = join(runDir, "state.json");
  // No state file: nothing was started from here.
  const state = readJson<{ runId?: unknown }>(
    path,
    `end the processes that have ${RUN_ID_ENV} in their environment and belong to it, then remove the file`,
  );
  return typeof state?.runId === "string" && state.runId !== "" ? processesWithEnv(RUN_ID_ENV, state.runId) : [];
}

/**
 * Ends exactly what `up` started: the supervisor does it in order; when it is gone, what its state file remembers is ended
 * from here.
 * @returns false when nothing ran
 * @throws XebecError what the supervisor could not end in order; it was ended from here all the same
 */
export async function endMesh(runDir: string): Promise<boolean> {
  const watchdog = recordedProcess(runDir, "watchdog");
  const others = watchdog && watchdog.pid !== process.pid ? [watchdog] : [];
  const supervisor = recordedProcess(runDir, "supervisor");
  let failure: XebecError | undefined;
  let found = supervisor !== undefined || others.length > 0;
  try {
    await callSupervisor(runDir, "POST", "/down", DOWN_TIMEOUT_MS);
    found = true;
    if (supervisor) await waitForEnd([supervisor], GRACE_MS);
    await waitForEnd(others, GRACE_MS);
  } catch (error) {
    if (!isXebecError(error)) throw error;
    if (!ABSENT.includes(error.code)) failure = error;
  }
  // The watchdog goes first: it would start the supervisor again.
  await endProcesses(others, GRACE_MS);
  const late = recordedProcess(runDir, "supervisor");
  if (late) await endProcesses([late], GRACE_MS);
  const left = meshProcesses(runDir);
  if (left.length > 0) {
    found = true;
    await endProcesses(left, GRACE_MS);
    // What was ended without its supervisor must not be taken over by the next one.
    await rm(join(runDir, "state.json"), { force: true });
    await rm(join(runDir, "pods"), { recursive: true, force: true });
  }
  await forgetProcess(runDir, "watchdog");
  await forgetProcess(runDir, "supervisor");
  await rm(controlSocket(runDir), { force: true });
  if (failure) throw failure;
  return found;
}
