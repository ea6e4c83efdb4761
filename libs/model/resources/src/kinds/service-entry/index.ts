import { type Kind, NETWORKING_VERSIONS } from "../../kind.ts";
import { ineffectiveInServiceEntry } from "./ineffective.ts";
import { checkServiceEntry } from "./rules.ts";
import { ServiceEntrySpec } from "./schema.ts";

export const serviceEntry: Kind = {
  group: "networking.istio.io",
  kind: "ServiceEntry",
  plural: "serviceentries",
  versions: NETWORKING_VERSIONS,
  shortNames: ["se"],
  description: "Hosts that the mesh does not know by itself, with their ports and endpoints.",
  schema: ServiceEntrySpec,
  columns: [
    { name: "Hosts", jsonPath: ".spec.hosts", type: "string", description: "The hosts of the service" },
    { name: "Location", jsonPath: ".spec.location", type: "string", description: "Whether it is part of the mesh" },
    { name: "Resolution", jsonPath: ".spec.resolution", type: "string", description: "How addresses are found" },
  ],
  check: checkServiceEntry,
  ineffective: ineffectiveInServiceEntry,
};
