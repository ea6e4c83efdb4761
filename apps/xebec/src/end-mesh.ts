import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { isXebecError } from "@xebec/core-errors";
import { type ProcessId, processesMarked, RUN_MARK } from "@xebec/platform-process";
import { askSupervisor } from "./control.ts";
import { controlSocket } from "./paths.ts";
import { endProcesses, forgetProcess, recordedProcess, waitForEnd } from "./process-record.ts";

const DOWN_TIMEOUT_MS = 20_000;
const GRACE_MS = 3_000;

/** Everything that still runs of the mesh of a run directory, the guardian and the supervisor left out. */
export function meshProcesses(runDir: string): ProcessId[] {
  try {
    const { runId } = JSON.parse(readFileSync(join(runDir, "state.json"), "utf8")) as { runId?: unknown };
    return typeof runId === "string" && runId !== "" ? processesMarked(RUN_MARK, runId) : [];
  } catch {
    return []; // no state file: nothing was started from here
  }
}

/**
 * Ends exactly what `up` started: the supervisor does it in order; when it is gone, what its state file remembers is ended
 * from here.
 * @returns false when nothing ran
 */
export async function endMesh(runDir: string): Promise<boolean> {
  const guardian = recordedProcess(runDir, "guardian");
  const others = guardian && guardian.pid !== process.pid ? [guardian] : [];
  const supervisor = recordedProcess(runDir, "supervisor");
  let found = supervisor !== undefined || others.length > 0;
  try {
    await askSupervisor(runDir, "POST", "/down", DOWN_TIMEOUT_MS);
    found = true;
    if (supervisor) await waitForEnd([supervisor], GRACE_MS);
    await waitForEnd(others, GRACE_MS);
  } catch (error) {
    if (!isXebecError(error)) throw error;
  }
  // The guardian goes first: it would start the supervisor again.
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
  await forgetProcess(runDir, "guardian");
  await forgetProcess(runDir, "supervisor");
  await rm(controlSocket(runDir), { force: true });
  return found;
}
