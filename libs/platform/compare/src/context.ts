import { sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { ComparedMesh } from "./mesh.ts";
import type { Unit } from "./results.ts";
import type { UntilAnswer } from "./scenario.ts";

/** What a step measures with. */
export interface StepContext {
  readonly mesh: ComparedMesh;
  readonly signal: AbortSignal;
  /** Notes a measured value. */
  sample(group: string, figure: string, unit: Unit, value: number): void;
  /** Notes what could not be measured. */
  problem(text: string): void;
  progress(text: string): void;
}

const POLL_MS = 4;
const EFFECT_MS = 30_000;

/** Components whose sum is the control plane: everything but the data plane, the applications and the laptop's supervisor. */
export const OTHERS: readonly string[] = ["agents", "Envoys", "application", "supervisor"];

/**
 * Asks until the answer is there.
 * @param n takes the place of `$n`
 * @returns milliseconds
 * @throws XebecError deadline_exceeded with the last answer
 */
export async function waitForAnswer({ mesh, signal }: StepContext, until: UntilAnswer, n = 0): Promise<number> {
  const began = performance.now();
  let last = "";
  while (performance.now() - began < EFFECT_MS) {
    signal.throwIfAborted();
    try {
      const { status, body } = await mesh.get(until.path, until.headers);
      const hasBody = until.body === undefined || body.includes(until.body.replaceAll("$n", String(n)));
      if ((until.status === undefined || status === until.status) && hasBody) return performance.now() - began;
      last = `${status} ${body.slice(0, 100)}`;
    } catch (error) {
      last = (error as Error).message;
    }
    await sleep(POLL_MS, signal);
  }
  throw new XebecError("deadline_exceeded", `${until.path} does not answer as expected: ${last}`);
}

/** Notes how much processor time each component has used. @param per what the time is divided by */
export function sampleCpu(
  { mesh, sample }: StepContext,
  before: ReturnType<ComparedMesh["costs"]>,
  group: string,
  per: number,
): void {
  let controlPlane = 0;
  for (const [component, { cpuNs }] of mesh.costs()) {
    const ms = (cpuNs - (before.get(component)?.cpuNs ?? 0)) / 1e6 / per;
    if (!OTHERS.includes(component)) controlPlane += ms;
    sample(group, component, "ms", ms);
  }
  sample(group, "control plane", "ms", controlPlane);
}
