import { type Kind, NETWORKING_VERSIONS } from "../../kind.ts";
import { checkWorkloadEntry } from "./rules.ts";
import { WorkloadEntrySpec } from "./schema.ts";

export const workloadEntry: Kind = {
  group: "networking.istio.io",
  kind: "WorkloadEntry",
  plural: "workloadentries",
  versions: NETWORKING_VERSIONS,
  shortNames: ["we"],
  description: "A workload outside of the platform, such as a virtual machine, which services select by its labels.",
  schema: WorkloadEntrySpec,
  columns: [{ name: "Address", jsonPath: ".spec.address", type: "string", description: "Where the workload is" }],
  check: checkWorkloadEntry,
};
