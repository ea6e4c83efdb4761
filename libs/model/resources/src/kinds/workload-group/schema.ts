import { field, map, message, required, type Static, string } from "@xebec/model-schema";
import { ReadinessProbe } from "../shared/readiness-probe.ts";
import { Labels } from "../shared/shapes.ts";
import { WorkloadEntrySpec } from "../workload-entry/schema.ts";

const Metadata = message("WorkloadGroup.ObjectMeta", {
  labels: field(Labels, "Labels of each WorkloadEntry."),
  annotations: field(map(string()), "Annotations of each WorkloadEntry.", {
    noEffect: "nobody sees the WorkloadEntries of workloads that register themselves",
  }),
});

export const WorkloadGroupSpec = message("WorkloadGroup", {
  metadata: field(Metadata, "What the objects of its workloads have."),
  template: required(
    WorkloadEntrySpec,
    "What the WorkloadEntries of its workloads have; their address is the workload's own.",
  ),
  probe: field(
    ReadinessProbe,
    "How the agent of a workload finds out whether it is healthy; the agent has it from its own configuration. With a probe a workload is called when it was reported as healthy.",
  ),
});
export type WorkloadGroupSpec = Static<typeof WorkloadGroupSpec>;
