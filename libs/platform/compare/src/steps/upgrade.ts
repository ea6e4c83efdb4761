import { sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { StepContext } from "../context.ts";
import { openLoop } from "../open-loop.ts";
import type { UpgradeStep } from "../scenario.ts";
import { componentsOf } from "./fault.ts";

/** The figure of all components together. */
export const ALL_REPLACED = "all together";
const CONNECTIONS = 10;
/** Requests are sent for so long before a component is replaced. */
const BEFORE_MS = 1_000;
const READY_MS = 60_000;
const POLL_MS = 20;

/** Replaces components by another build, one after another, and notes which requests failed and when the new ones were ready. */
export async function upgrade(context: StepContext, step: UpgradeStep): Promise<void> {
  const { sample, progress } = context;
  const sums = { failed: 0, seconds: 0 };
  for (const component of await componentsOf(context, step.component, true)) {
    progress(`another build of ${component}`);
    const { failed, slowest, seconds } = await replaceOne(context, step, component);
    sample("replaced by another build: failed requests", component, "count", failed);
    sample("replaced by another build: slowest answer", component, "ms", slowest);
    sample("replaced by another build: until the new one is ready", component, "s", seconds);
    sums.failed += failed;
    sums.seconds += seconds;
  }
  sample("replaced by another build: failed requests", ALL_REPLACED, "count", sums.failed);
  sample("replaced by another build: until the new one is ready", ALL_REPLACED, "s", sums.seconds);
}

async function replaceOne(
  { mesh, build, signal }: StepContext,
  { path, headers = {}, rate, watch, status = 200 }: UpgradeStep,
  component: string,
): Promise<{ readonly failed: number; readonly slowest: number; readonly seconds: number }> {
  const old = await pidOf();
  const stop = new AbortController();
  const over = AbortSignal.any([signal, stop.signal]);
  const order = { port: mesh.ingressPort, path, headers, rate, seconds: watch, connections: CONNECTIONS, status };
  const sent = openLoop(order, over);
  try {
    const ready = replaceAndWait();
    const [{ failed, latencies }, seconds] = await Promise.all([sent, ready]);
    return { failed, slowest: Math.max(0, ...latencies), seconds };
  } finally {
    stop.abort();
    await sent.catch(() => undefined);
  }

  async function replaceAndWait(): Promise<number> {
    await sleep(BEFORE_MS, over);
    const began = performance.now();
    await mesh.replace(component, build());
    while (performance.now() - began < READY_MS) {
      const found = (await mesh.components()).find(({ name }) => name === component);
      if (found?.ready && found.pid !== old) return (performance.now() - began) / 1_000;
      await sleep(POLL_MS, over);
    }
    throw new XebecError(
      "deadline_exceeded",
      `${component} of the other build is not ready after ${READY_MS / 1_000} s`,
    );
  }

  async function pidOf(): Promise<number | undefined> {
    return (await mesh.components()).find(({ name }) => name === component)?.pid;
  }
}
