import { OTHERS } from "../components.ts";
import type { StepContext } from "../context.ts";

/** Ends the mesh, starts it again, and notes how long what took. */
export async function restart(context: StepContext, cache: "cold" | "warm"): Promise<void> {
  const { mesh, sample } = context;
  await mesh.end();
  const { firstRequest, allReady, components } = await mesh.start(cache);
  sample(`${cache} start`, "first request", "s", firstRequest);
  sample(`${cache} start`, "all ready", "s", allReady);
  for (const [component, seconds] of components) sample(`${cache} start: ready after`, component, "s", seconds);
  let controlPlane = 0;
  for (const [component, { cpuNs }] of mesh.costs()) {
    if (!OTHERS.includes(component)) controlPlane += cpuNs;
    sample(`${cache} start: processor time`, component, "s", cpuNs / 1e9);
  }
  sample(`${cache} start: processor time`, "control plane", "s", controlPlane / 1e9);
}
