import type { Component } from "@xebec/core-lifecycle";
import type { WorkloadIdentity } from "@xebec/platform-identity";
import { pilotTarget } from "../extensions/agent-extensions.ts";
import { envoyNode } from "../node.ts";
import type { ProxySettings } from "../proxy-settings.ts";
import { healthChecker } from "./health-checker.ts";
import { createHealthReports } from "./health-reports.ts";
import { probeWorkload } from "./probe-workload.ts";

export interface WorkloadHealthOptions {
  readonly settings: ProxySettings;
  readonly identity: Pick<WorkloadIdentity, "current" | "onChange">;
  /** Where the workload listens. */
  readonly appHost: string;
  /** What the proxy waits for: a workload behind a proxy that is not ready is not healthy. */
  missing(): Promise<readonly string[]>;
}

/**
 * What probes a workload outside of the platform, and tells pilot. Pods have kubelet's probes, and pilot has use for the reports of
 * workloads that register themselves, or are a WorkloadEntry: others are not probed.
 */
export function workloadHealth({ settings, identity, appHost, missing }: WorkloadHealthOptions): Component[] {
  const { readinessProbe: probe } = settings.proxyConfig;
  const node = envoyNode(settings);
  const { AUTO_REGISTER_GROUP: group, WORKLOAD_ENTRY: entry } = node.metadata;
  if (!probe || !(group || entry)) return [];
  const reports = createHealthReports(pilotTarget(settings, identity), node);
  const check = async (): Promise<string | undefined> => {
    const [line] = await missing();
    return line ?? probeWorkload(probe, appHost);
  };
  return [reports, healthChecker({ probe, check, report: (problem) => reports.report(problem) })];
}
