import type { StepContext } from "../context.ts";
import type { ScaleStep } from "../scenario.ts";

/** Starts the mesh with copies of components; figures of the steps that follow have their number in their names. */
export async function scale(context: StepContext, { components, replicas }: ScaleStep): Promise<void> {
  const { mesh } = context;
  const wanted = mesh.shape === "monolith" ? ["istiod"] : components;
  const counts = Object.fromEntries(wanted.map((each) => [each, replicas]));
  // What runs may be what is wanted.
  if (!mesh.hasReplicas(counts)) {
    context.progress(`${replicas} ${replicas === 1 ? "copy" : "copies"} of ${wanted.join(", ")}`);
    await context.proxies?.end();
    delete context.proxies;
    await mesh.end();
    await mesh.start("warm", counts);
  }
  context.named(`${replicas} ${replicas === 1 ? "copy" : "copies"}: `);
}
