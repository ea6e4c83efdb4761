import autocannon from "autocannon";
import { type StepContext, sampleCpu } from "../context.ts";
import type { LoadStep } from "../scenario.ts";

const WARM_UP_S = 2;
const CONNECTIONS = 10;

/**
 * Sends requests at a fixed rate, and notes latencies and processor time. Latencies are corrected for coordinated omission: a request
 * that had to wait for its connection counts from when it was due.
 */
export async function load(context: StepContext, step: LoadStep): Promise<void> {
  const { mesh, sample, problem, signal } = context;
  const { name, path, headers = {}, rate, seconds, status = 200, connections = CONNECTIONS } = step;
  const send = (duration: number): Promise<autocannon.Result> =>
    cannon(
      {
        url: `http://127.0.0.1:${mesh.ingressPort}${path}`,
        ...{ headers, connections, duration, overallRate: rate, timeout: 10 },
      },
      signal,
    );
  await send(WARM_UP_S);
  const before = mesh.costs();
  const { latency, requests, errors, statusCodeStats = {} } = await send(seconds);
  signal.throwIfAborted();
  const group = `${name}, ${rate} a second`;
  sampleCpu(context, before, `${group}: processor time for 1,000 requests`, requests.total / 1_000);
  for (const [label, value] of [
    ["median", latency.p50],
    ["90th percentile", latency.p90],
    ["99th percentile", latency.p99],
  ] as const)
    sample(`${group}: latency`, label, "ms", value);
  const expected = (statusCodeStats as Record<string, { count?: number }>)[String(status)]?.count ?? 0;
  const failed = requests.total - expected + errors;
  sample(`${group}: failed requests`, "failed", "count", failed);
  if (requests.total < rate * seconds * 0.95)
    problem(
      `${group}: only ${requests.total} of ${rate * seconds} requests were sent; the machine is too busy for this rate`,
    );
}

function cannon(options: autocannon.Options, signal: AbortSignal): Promise<autocannon.Result> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const run = autocannon(options, (error, result) => {
      signal.removeEventListener("abort", stop);
      if (error) reject(error);
      else resolve(result);
    });
    const stop = (): void => run.stop();
    signal.addEventListener("abort", stop);
  });
}
