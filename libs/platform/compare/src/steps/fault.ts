import { sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { StepContext } from "../context.ts";
import { type Attempt, FUNCTIONS, type MeshFunction, outageOf, succeeds, watchFunction } from "../functions.ts";
import { denialRule } from "../objects.ts";
import type { FaultStep } from "../scenario.ts";

const WELL_MS = 60_000;
const SLOW_PERIOD_MS = 100;
const SLOW_SHARE = 0.1;

/** Harms components one after another, and notes which functions fail for how long. */
export async function fault(context: StepContext, step: FaultStep): Promise<void> {
  const { mesh } = context;
  const functions = chosen(step.functions);
  mesh.save("denial", denialRule());
  try {
    await allWell(context, functions);
    for (const component of await componentsOf(context, step.component, step.action === "cut"))
      await harm(context, step, component, functions);
  } finally {
    for (const name of ["denial", "function", "pod"]) mesh.remove(name);
  }
}

async function harm(
  context: StepContext,
  { action, seconds = 3, watch }: FaultStep,
  component: string,
  functions: readonly MeshFunction[],
): Promise<void> {
  const { mesh, sample, signal, progress } = context;
  progress(`${action} ${component}`);
  const pid = (await mesh.components()).find(({ name }) => name === component)?.pid;
  if (pid === undefined) throw new XebecError("unavailable", `${component} does not run`);
  const began = performance.now();
  const over = AbortSignal.any([signal, AbortSignal.timeout(watch * 1_000)]);
  const watches = functions.map((each) => watchFunction(each, mesh, began, over));
  if (action === "cut") await cut(context, component, seconds);
  else await act(action, pid, seconds, signal);
  const seen: Attempt[][] = await Promise.all(watches);
  const watched = performance.now() - began;
  signal.throwIfAborted();
  for (const [i, { name }] of functions.entries())
    sample(`${action} ${component}`, name, "s", outageOf(seen[i] ?? [], watched) / 1_000);
  await allWell(context, functions);
}

async function cut({ mesh, signal }: StepContext, component: string, seconds: number): Promise<void> {
  const over = mesh.cutFromBus(component);
  try {
    await sleep(seconds * 1_000, signal);
  } finally {
    over();
  }
}

async function act(
  action: Exclude<FaultStep["action"], "cut">,
  pid: number,
  seconds: number,
  signal: AbortSignal,
): Promise<void> {
  if (action === "kill") {
    process.kill(pid, "SIGKILL");
    return;
  }
  const until = performance.now() + seconds * 1_000;
  try {
    while (performance.now() < until && !signal.aborted) {
      process.kill(pid, "SIGSTOP");
      await sleep(action === "stop" ? seconds * 1_000 : SLOW_PERIOD_MS * (1 - SLOW_SHARE), signal);
      process.kill(pid, "SIGCONT");
      if (action === "slow") await sleep(SLOW_PERIOD_MS * SLOW_SHARE, signal);
    }
  } finally {
    resume(pid);
  }
}

function resume(pid: number): void {
  try {
    process.kill(pid, "SIGCONT");
  } catch {
    // It has ended: the supervisor starts it again.
  }
}

/** Waits until the mesh has healed: the next fault must not count the last one's damage. */
async function allWell({ mesh, signal }: StepContext, functions: readonly MeshFunction[]): Promise<void> {
  const until = performance.now() + WELL_MS;
  for (const each of functions)
    while ((await succeeds(each, mesh, signal)) !== true) {
      signal.throwIfAborted();
      if (performance.now() > until)
        throw new XebecError("deadline_exceeded", `"${each.name}" does not work ${WELL_MS / 1_000} s after a fault`);
      await sleep(100, signal);
    }
}

/** @param withoutBus leaves the bus itself out */
export async function componentsOf(
  { mesh }: StepContext,
  wanted: string,
  withoutBus: boolean,
): Promise<readonly string[]> {
  const names = (await mesh.components()).map(({ name }) => name).filter((each) => !withoutBus || each !== "nats");
  if (wanted === "each") return names;
  if (names.includes(wanted)) return [wanted];
  // In one process every component is that process.
  return names.includes("istiod") ? ["istiod"] : [];
}

function chosen(names: readonly string[] | undefined): readonly MeshFunction[] {
  if (!names?.length) return FUNCTIONS;
  return names.map((name) => {
    const found = FUNCTIONS.find((each) => each.name === name);
    if (!found)
      throw new XebecError(
        "invalid_argument",
        `there is no function "${name}"; there are ${FUNCTIONS.map((each) => each.name).join(", ")}`,
      );
    return found;
  });
}
