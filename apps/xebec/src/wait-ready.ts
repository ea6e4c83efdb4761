import { sleep } from "@xebec/core-async";
import { isXebecError } from "@xebec/core-errors";
import type { MeshStatus, UnitStatus } from "@xebec/platform-local";
import { askSupervisor } from "./control.ts";
import type { Progress } from "./progress.ts";

const POLL_MS = 100;
const ANSWER_MS = 5_000;

/** True when everything runs and is ready. */
export function isReady(status: MeshStatus): boolean {
  return status.missing.length === 0 && status.units.length > 0 && status.units.every((unit) => unit.ready);
}

/** What a mesh still waits for, a line each. */
export function missingOf(status: MeshStatus): string[] {
  const line = (unit: UnitStatus): string =>
    `${unit.kind} ${unit.name} is not ready${unit.problem ? `: ${unit.problem}` : ""}; its log is ${unit.log}`;
  return [...status.missing, ...status.units.filter((unit) => !unit.ready).map(line)];
}

/**
 * Waits until the mesh of a run directory is ready.
 * @returns the last status that was seen; undefined when the supervisor never answered
 */
export async function waitReady(
  runDir: string,
  timeoutMs: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<MeshStatus | undefined> {
  const until = performance.now() + timeoutMs;
  let last: MeshStatus | undefined;
  while (!signal.aborted && performance.now() < until) {
    try {
      last = await askSupervisor<MeshStatus>(runDir, "GET", "/status", ANSWER_MS);
      if (signal.aborted) break;
      report(last, progress);
      if (isReady(last)) break;
    } catch (error) {
      if (!isXebecError(error) || error.code !== "unavailable") throw error;
    }
    await sleep(POLL_MS, signal);
  }
  progress.finish();
  return last;
}

function report(status: MeshStatus, progress: Progress): void {
  const count = (kind: UnitStatus["kind"]): [number, number] => {
    const all = status.units.filter((unit) => unit.kind === kind);
    return [all.filter((unit) => unit.ready).length, all.length];
  };
  const [services, ofServices] = count("service");
  const [pods, ofPods] = count("pod");
  if (ofServices > 0) progress.show("services ready", services, ofServices);
  if (ofPods > 0 && services === ofServices) progress.show("pods ready", pods, ofPods);
}
