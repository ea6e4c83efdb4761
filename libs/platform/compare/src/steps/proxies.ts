import type { StepContext } from "../context.ts";
import { sampleCpu } from "../context.ts";
import { SyntheticProxies } from "../proxies/synthetic-proxies.ts";
import type { ProxiesStep } from "../scenario.ts";

/** Connects synthetic proxies, which stay to the end of the scenario. */
export async function proxies(context: StepContext, step: ProxiesStep): Promise<void> {
  const { mesh, command, sample, signal, progress } = context;
  const { count, labels = {}, routes = ["80"], extensions = [] } = step;
  await context.proxies?.end();
  progress(`${count} synthetic proxies`);
  const before = mesh.costs();
  const began = performance.now();
  const order = { address: mesh.discovery, ...{ count, routes, extensions, labels } };
  context.proxies = await SyntheticProxies.start(command, order, signal);
  sample(`until ${count} synthetic proxies are configured`, "all", "s", (performance.now() - began) / 1_000);
  sampleCpu(context, before, `processor time until ${count} synthetic proxies are configured`, 1);
}
