import { didYouMean } from "@xebec/core-errors";
import type { Kind } from "../../kind.ts";
import type { Checker } from "../../rules/checker.ts";
import { isToken } from "../../rules/names.ts";
import { checkPorts } from "../authorization-policy/source-rules.ts";
import { CONSTRAINT_KEYS, constraintKey } from "./constraint-keys.ts";
import { ServiceRoleSpec } from "./schema.ts";

function checkServiceRole({ rules }: ServiceRoleSpec, check: Checker): void {
  for (const [i, { constraints = [] }] of rules.entries())
    for (const [j, { key, values }] of constraints.entries()) {
      const path = ["spec", "rules", i, "constraints", j];
      const known = constraintKey(key);
      if (!known) {
        const advice = didYouMean(key, CONSTRAINT_KEYS) || `; known are ${CONSTRAINT_KEYS.join(", ")}`;
        check.fail([...path, "key"], `"${key}" is not an attribute${advice}`);
      } else if (known.attribute === "header" && !isToken(known.name.replace(/^:/, "")))
        check.fail([...path, "key"], `"${known.name}" is not the name of a header`);
      else if (known.attribute === "destinationIp")
        for (const [k, each] of values.entries()) check.subnet(each, [...path, "values", k]);
      else if (known.attribute === "destinationPort") checkPorts(values, [...path, "values"], check);
    }
}

export const serviceRole: Kind = {
  group: "rbac.istio.io",
  kind: "ServiceRole",
  plural: "serviceroles",
  versions: ["v1alpha1"],
  shortNames: [],
  description: "What may be done with services, for whom a ServiceRoleBinding names. Of Istio 1.1.",
  schema: ServiceRoleSpec,
  columns: [],
  check: checkServiceRole,
};
