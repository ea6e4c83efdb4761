import { type Kind, NETWORKING_VERSIONS } from "../../kind.ts";
import { ineffectiveInVirtualService } from "./ineffective.ts";
import { checkVirtualService } from "./rules.ts";
import { VirtualServiceSpec } from "./schema.ts";

export const virtualService: Kind = {
  group: "networking.istio.io",
  kind: "VirtualService",
  plural: "virtualservices",
  versions: NETWORKING_VERSIONS,
  shortNames: ["vs"],
  description: "Rules for requests and connections to hosts: where they go, and what happens on the way.",
  schema: VirtualServiceSpec,
  columns: [
    { name: "Gateways", jsonPath: ".spec.gateways", type: "string", description: "Gateways where the rules are for" },
    { name: "Hosts", jsonPath: ".spec.hosts", type: "string", description: "Hosts for which the rules are" },
  ],
  check: checkVirtualService,
  ineffective: ineffectiveInVirtualService,
};
