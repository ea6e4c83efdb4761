import { sleep } from "@xebec/core-async";
import { openConnections } from "@xebec/platform-process";
import { OTHERS } from "../components.ts";
import type { StepContext } from "../context.ts";
import type { RestStep } from "../scenario.ts";

const SETTLE_S = 15;

/** Watches all processes while nobody asks anything of them. */
export async function rest(
  { mesh, sample, signal }: StepContext,
  { settle = SETTLE_S, seconds }: RestStep,
): Promise<void> {
  await sleep(settle * 1_000, signal);
  const before = mesh.costs();
  const began = performance.now();
  await sleep(seconds * 1_000, signal);
  const elapsed = (performance.now() - began) / 1_000;
  const sums = { cpu: 0, memory: 0, wakeUps: 0, connections: 0 };
  const processes = mesh.processes();
  for (const [component, after] of mesh.costs()) {
    const start = before.get(component);
    const figures = {
      cpu: (after.cpuNs - (start?.cpuNs ?? 0)) / 1e7 / elapsed,
      memory: after.pssKib / 1_024,
      wakeUps: (after.wakeUps - (start?.wakeUps ?? 0)) / elapsed,
      connections: (processes.get(component) ?? []).reduce((sum, pid) => sum + openConnections(pid), 0),
    };
    if (!OTHERS.includes(component))
      for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] += figures[key];
    note(component, figures);
  }
  note("control plane", sums);

  function note(component: string, figures: typeof sums): void {
    sample("processor time at rest, % of a core", component, "%", figures.cpu);
    sample("memory at rest", component, "MiB", figures.memory);
    sample("wake-ups at rest", component, "1/s", figures.wakeUps);
    sample("connections at rest", component, "count", figures.connections);
  }
}
