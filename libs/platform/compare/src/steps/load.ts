import { type StepContext, sampleCpu } from "../context.ts";
import { openLoop } from "../open-loop.ts";
import { percentile } from "../percentile.ts";
import type { LoadStep } from "../scenario.ts";

const WARM_UP_S = 2;
const CONNECTIONS = 10;
const PERCENTILES = [50, 75, 90, 95, 99, 99.9];

/** What the report calls a percentile of latency. */
export const percentileName = (percent: number): string => (percent === 50 ? "median" : `${percent}th percentile`);

/** Sends requests at a fixed rate, and notes latencies and processor time. */
export async function load(context: StepContext, step: LoadStep): Promise<void> {
  const { mesh, sample, signal } = context;
  const { name, path, headers = {}, rate, seconds, status = 200, connections = CONNECTIONS } = step;
  const send = (duration: number) =>
    openLoop({ ...{ port: mesh.ingressPort, path, headers, rate, connections, status }, seconds: duration }, signal);
  await send(WARM_UP_S);
  const before = mesh.costs();
  const { latencies, failed, late } = await send(seconds);
  const group = `${name}, ${rate} a second`;
  sampleCpu(context, before, `${group}: processor time for 1,000 requests`, (latencies.length + failed) / 1_000);
  // A percentile that one request decides says nothing.
  for (const percent of PERCENTILES)
    if (latencies.length * (1 - percent / 100) >= 1)
      sample(`${group}: latency`, percentileName(percent), "ms", percentile(latencies, percent));
  sample(`${group}: failed requests`, "failed", "count", failed);
  // A machine that is too busy for the rate shows here; latencies count from when requests were due all the same.
  sample(`${group}: failed requests`, "sent late", "count", late);
}
