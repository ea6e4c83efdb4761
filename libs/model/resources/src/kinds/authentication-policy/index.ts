import type { Kind } from "../../kind.ts";
import { checkAuthenticationPolicy, ineffectiveInAuthenticationPolicy } from "./rules.ts";
import { AuthenticationPolicySpec } from "./schema.ts";

const common = {
  ...{ group: "authentication.istio.io", versions: ["v1alpha1"], shortNames: [], columns: [] },
  schema: AuthenticationPolicySpec,
  check: checkAuthenticationPolicy,
  ineffective: ineffectiveInAuthenticationPolicy,
};

export const policy: Kind = {
  ...common,
  ...{ kind: "Policy", plural: "policies" },
  description: "How the services of a namespace authenticate connections and requests, as Istio 1.1 has it.",
};

export const meshPolicy: Kind = {
  ...common,
  ...{ kind: "MeshPolicy", plural: "meshpolicies" },
  description: "How all services of the mesh authenticate connections and requests, as Istio 1.1 has it.",
  check(spec: AuthenticationPolicySpec, check) {
    if (spec.targets?.length) check.fail(["spec", "targets"], "a MeshPolicy has none: it is for the whole mesh");
    checkAuthenticationPolicy(spec, check);
  },
  checkIdentity({ name }, check) {
    if (name !== "default") check.fail(["metadata", "name"], `must be default, not ${name}`);
  },
};
