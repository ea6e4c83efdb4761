import type { Kind } from "../../kind.ts";
import type { Checker } from "../../rules/checker.ts";
import { conditionKey } from "../authorization-policy/condition-keys.ts";
import { ServiceRoleBindingSpec } from "./schema.ts";

function checkServiceRoleBinding({ subjects, roleRef }: ServiceRoleBindingSpec, check: Checker): void {
  for (const [i, { user, group, properties = {} }] of subjects.entries()) {
    const path = ["spec", "subjects", i];
    if (!user && !group && Object.keys(properties).length === 0)
      check.fail(path, "must have user, group or properties");
    for (const [key, value] of Object.entries(properties)) {
      if (value === "") check.fail([...path, "properties", key], "must not be empty");
      else if (conditionKey(key)?.attribute === "sourceIp") check.subnet(value, [...path, "properties", key]);
    }
  }
  if (roleRef.kind !== "ServiceRole")
    check.fail(["spec", "roleRef", "kind"], `must be ServiceRole, not ${roleRef.kind}`);
}

export const serviceRoleBinding: Kind = {
  group: "rbac.istio.io",
  kind: "ServiceRoleBinding",
  plural: "servicerolebindings",
  versions: ["v1alpha1"],
  shortNames: [],
  description: "Who has a ServiceRole. Of Istio 1.1.",
  schema: ServiceRoleBindingSpec,
  columns: [
    { name: "Reference", jsonPath: ".spec.roleRef.name", type: "string", description: "The ServiceRole that is given" },
  ],
  check: checkServiceRoleBinding,
};
