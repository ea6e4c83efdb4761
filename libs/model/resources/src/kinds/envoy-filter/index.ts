import type { Kind } from "../../kind.ts";
import { ineffectiveInEnvoyFilter } from "./ineffective.ts";
import { checkEnvoyFilter } from "./rules.ts";
import { EnvoyFilterSpec } from "./schema.ts";

export const envoyFilter: Kind = {
  group: "networking.istio.io",
  kind: "EnvoyFilter",
  plural: "envoyfilters",
  versions: ["v1alpha3"],
  shortNames: [],
  description: "Changes of what Envoy gets, in Envoy's own words, where no other object has a field for it.",
  schema: EnvoyFilterSpec,
  columns: [],
  check: checkEnvoyFilter,
  ineffective: ineffectiveInEnvoyFilter,
};
