import { sleep } from "@xebec/core-async";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { ReadinessProbe } from "./readiness-probe.ts";

const log = logger("health");

export interface HealthCheckerOptions {
  readonly probe: Pick<ReadinessProbe, "initialDelayMs" | "periodMs" | "successThreshold" | "failureThreshold">;
  /** Probes the workload. @returns why it is not well; undefined when it is */
  check(): Promise<string | undefined>;
  /** Gets what is new. @param problem undefined: the workload is healthy */
  report(problem: string | undefined): void;
}

/**
 * Probes a workload again and again, and reports changes, as Istio's agent does: first that it is healthy, once as many probes in a row
 * as the threshold says have succeeded. One that never was is not reported.
 */
export function healthChecker({ probe, check, report }: HealthCheckerOptions): Component {
  const stop = new AbortController();
  let loop: Promise<void> | undefined;
  const run = async (): Promise<void> => {
    let healthy = false;
    let inARow = 0;
    await sleep(probe.initialDelayMs, stop.signal);
    while (!stop.signal.aborted) {
      const problem = await check();
      if (stop.signal.aborted) return;
      if ((problem === undefined) === healthy) inARow = 0;
      else if (++inARow >= (healthy ? probe.failureThreshold : probe.successThreshold)) {
        healthy = !healthy;
        inARow = 0;
        log.info({ healthy, problem }, healthy ? "the workload is healthy" : "the workload is not healthy any more");
        report(problem);
      }
      await sleep(probe.periodMs, stop.signal);
    }
  };
  return {
    name: "readiness probe",
    async start() {
      loop = run();
    },
    async close() {
      stop.abort();
      await loop;
    },
  };
}
