import { XebecError } from "@xebec/core-errors";
import { type StepContext, waitForAnswer } from "./context.ts";
import { manifestOf, type Scenario, type Step } from "./scenario.ts";
import { change } from "./steps/change.ts";
import { fault } from "./steps/fault.ts";
import { load } from "./steps/load.ts";
import { proxies } from "./steps/proxies.ts";
import { rest } from "./steps/rest.ts";
import { restart } from "./steps/restart.ts";
import { scale } from "./steps/scale.ts";
import { upgrade } from "./steps/upgrade.ts";

/** Does the steps of a scenario with a mesh that runs. What `apply` has saved is removed at the end. */
export async function runScenario(context: StepContext, { steps }: Scenario): Promise<void> {
  const applied: string[] = [];
  try {
    for (const [i, step] of steps.entries()) {
      context.signal.throwIfAborted();
      const why = context.whyNot?.(step);
      if (why !== undefined) {
        context.notApplicable(why);
        continue;
      }
      await runStep(context, step, `step-${i}`, applied);
    }
  } finally {
    for (const name of applied) context.mesh.remove(name);
    await context.proxies?.end();
    delete context.proxies;
  }
}

async function runStep(context: StepContext, step: Step, file: string, applied: string[]): Promise<void> {
  const { mesh } = context;
  if (step.restart) return restart(context, step.restart.cache);
  if (step.rest) return rest(context, step.rest);
  if (step.change) return change(context, step.change);
  if (step.proxies) return proxies(context, step.proxies);
  if (step.load) return load(context, step.load);
  if (step.fault) return fault(context, step.fault);
  if (step.upgrade) return upgrade(context, step.upgrade);
  if (step.scale) return scale(context, step.scale);
  if (step.apply) {
    applied.push(file);
    mesh.save(file, manifestOf(step.apply.objects));
    if (step.apply.until) await waitForAnswer(context, step.apply.until, {});
    return;
  }
  if (step.remove) {
    for (const name of applied.splice(0)) mesh.remove(name);
    return;
  }
  throw new XebecError("internal", "a step without content");
}
