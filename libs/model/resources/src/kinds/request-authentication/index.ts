import { type Kind, SECURITY_VERSIONS } from "../../kind.ts";
import { ineffectiveTargets } from "../shared/policy-target.ts";
import { checkRequestAuthentication } from "./rules.ts";
import { type RequestAuthenticationSpec, RequestAuthenticationSpec as Schema } from "./schema.ts";

export const requestAuthentication: Kind = {
  group: "security.istio.io",
  kind: "RequestAuthentication",
  plural: "requestauthentications",
  versions: SECURITY_VERSIONS,
  shortNames: ["ra"],
  description: "Which tokens (JWT) of requests workloads accept.",
  schema: Schema,
  columns: [],
  check: checkRequestAuthentication,
  ineffective: (spec: RequestAuthenticationSpec) => ineffectiveTargets(spec),
};
