import type { Checker } from "../../rules/checker.ts";
import { checkReadinessProbe } from "../shared/readiness-probe.ts";
import type { WorkloadGroupSpec } from "./schema.ts";

/** Semantic rules of a WorkloadGroup (docs/reference/platform.md §3.11). What workloads fill in is not looked at. */
export function checkWorkloadGroup({ metadata, template, probe }: WorkloadGroupSpec, check: Checker): void {
  check.labels(metadata?.labels, ["spec", "metadata", "labels"]);
  check.labels(template.labels, ["spec", "template", "labels"]);
  checkReadinessProbe(probe, ["spec", "probe"], check);
}
