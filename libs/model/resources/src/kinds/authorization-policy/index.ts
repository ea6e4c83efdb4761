import { type Kind, SECURITY_VERSIONS } from "../../kind.ts";
import { ineffectiveTargets } from "../shared/policy-target.ts";
import { checkAuthorizationPolicy } from "./rules.ts";
import { AuthorizationPolicySpec } from "./schema.ts";

export const authorizationPolicy: Kind = {
  group: "security.istio.io",
  kind: "AuthorizationPolicy",
  plural: "authorizationpolicies",
  versions: SECURITY_VERSIONS,
  shortNames: ["ap"],
  description: "Which requests and connections workloads accept, and from whom.",
  schema: AuthorizationPolicySpec,
  columns: [
    { name: "Action", jsonPath: ".spec.action", type: "string", description: "What is done with what matches" },
  ],
  check: checkAuthorizationPolicy,
  ineffective: ineffectiveTargets,
};
