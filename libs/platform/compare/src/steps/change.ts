import { type StepContext, sampleCpu, waitForAnswer } from "../context.ts";
import { percentile } from "../percentile.ts";
import { type ChangeStep, manifestOf } from "../scenario.ts";

/** Saves objects again and again, and notes the time until a request shows the effect. */
export async function change(context: StepContext, { name, objects, until, count }: ChangeStep): Promise<void> {
  const { mesh, sample, progress } = context;
  const times: number[] = [];
  try {
    // The first change makes connections, and compiles code.
    await once(0);
    const before = mesh.costs();
    for (let n = 1; n <= count; n++) {
      progress(`${name} ${n} of ${count}`);
      times.push(await once(n));
    }
    sampleCpu(context, before, `${name}: processor time of a change`, count);
  } finally {
    mesh.remove("change");
  }
  sample("from saving to effect, median", name, "ms", percentile(times, 50));
  sample("from saving to effect, 99th percentile", name, "ms", percentile(times, 99));

  async function once(n: number): Promise<number> {
    mesh.save("change", manifestOf(objects, n));
    return waitForAnswer(context, until, n);
  }
}
