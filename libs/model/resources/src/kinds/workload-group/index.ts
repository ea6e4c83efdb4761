import { type Kind, NETWORKING_VERSIONS } from "../../kind.ts";
import { checkWorkloadGroup } from "./rules.ts";
import { WorkloadGroupSpec } from "./schema.ts";

export const workloadGroup: Kind = {
  group: "networking.istio.io",
  kind: "WorkloadGroup",
  plural: "workloadgroups",
  versions: NETWORKING_VERSIONS,
  shortNames: ["wg"],
  description: "A template of WorkloadEntries, by which workloads outside of the platform are registered.",
  schema: WorkloadGroupSpec,
  columns: [],
  check: checkWorkloadGroup,
};
