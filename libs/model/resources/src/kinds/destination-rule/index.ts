import { type Kind, NETWORKING_VERSIONS } from "../../kind.ts";
import { ineffectiveInDestinationRule } from "./ineffective.ts";
import { checkDestinationRule } from "./rules.ts";
import { DestinationRuleSpec } from "./schema.ts";

export const destinationRule: Kind = {
  group: "networking.istio.io",
  kind: "DestinationRule",
  plural: "destinationrules",
  versions: NETWORKING_VERSIONS,
  shortNames: ["dr"],
  description: "Settings for calls to a host: subsets, load balancing, connection pools, outlier detection, TLS.",
  schema: DestinationRuleSpec,
  columns: [{ name: "Host", jsonPath: ".spec.host", type: "string", description: "The service that the rule is for" }],
  check: checkDestinationRule,
  ineffective: ineffectiveInDestinationRule,
};
