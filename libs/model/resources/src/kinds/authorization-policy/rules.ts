import { didYouMean } from "@xebec/core-errors";
import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import { isToken } from "../../rules/names.ts";
import { checkPolicyTargets } from "../shared/policy-target.ts";
import { CONDITION_KEYS, conditionKey } from "./condition-keys.ts";
import type { AuthorizationCondition, AuthorizationPolicySpec, AuthorizationRule } from "./schema.ts";
import { checkOperation, checkPorts, checkServiceAccounts, checkSource } from "./source-rules.ts";

/** Semantic rules of an AuthorizationPolicy (docs/reference/pilot.md §3.9). */
export function checkAuthorizationPolicy(spec: AuthorizationPolicySpec, check: Checker): void {
  const { action = "ALLOW", provider, rules = [] } = spec;
  const path = ["spec"];
  checkPolicyTargets(spec, check);
  if (action === "CUSTOM" && !provider?.name)
    check.fail([...path, "provider", "name"], "is required with action CUSTOM");
  if (action !== "CUSTOM" && provider)
    check.fail([...path, "provider"], `is for action CUSTOM alone; the action is ${action}`);
  if ((action === "CUSTOM" || action === "DENY") && rules.length === 0)
    check.fail(
      [...path, "rules"],
      `is required with action ${action}: without rules nothing matches; write {} for every request`,
    );
  for (const [i, rule] of rules.entries()) {
    checkRule(rule, [...path, "rules", i], check);
    if (action === "CUSTOM") checkCustomRule(rule, [...path, "rules", i], check);
    if (action === "DENY" && deniesAllTcp(rule))
      check.warn(
        [...path, "rules", i],
        "has HTTP attributes alone, so it denies everything to TCP ports of the workloads; name the ports",
      );
  }
}

function checkRule({ from = [], to = [], when = [] }: AuthorizationRule, path: Path, check: Checker): void {
  for (const [i, { source }] of from.entries()) checkSource(source, [...path, "from", i, "source"], check);
  for (const [i, { operation }] of to.entries()) checkOperation(operation, [...path, "to", i, "operation"], check);
  for (const [i, each] of when.entries()) checkCondition(each, [...path, "when", i], check);
}

/** Keys that Istio 1.1 had. */
const FORMER: Readonly<Record<string, string>> = {
  "destination.namespace": "the policy's own namespace says it",
  "destination.labels": "the selector says it",
  "destination.name": "Istio 1.1 alone has it; the selector says it",
  "destination.user": "Istio 1.1 alone has it; the selector says it",
};

function checkCondition(
  { key, values = [], notValues = [] }: AuthorizationCondition,
  path: Path,
  check: Checker,
): void {
  if (values.length + notValues.length === 0) check.fail(path, "must have values or notValues");
  const known = conditionKey(key);
  if (!known) {
    const former = FORMER[key.split("[")[0] as string];
    const bare = CONDITION_KEYS.find((each) => each.startsWith(`${key.split("[")[0]}[`));
    const advice = former
      ? `; ${former}`
      : bare
        ? `; write ${bare}`
        : didYouMean(key, CONDITION_KEYS) || `; known are ${CONDITION_KEYS.join(", ")}`;
    check.fail([...path, "key"], `"${key}" is not an attribute${advice}`);
    return;
  }
  if ("name" in known && !isToken(known.name.replace(/^:/, "")))
    check.fail([...path, "key"], `"${known.name}" is not the name of a header`);
  for (const [field, list] of [
    ["values", values],
    ["notValues", notValues],
  ] as const) {
    const { attribute } = known;
    if (attribute === "sourceIp" || attribute === "remoteIp" || attribute === "destinationIp")
      for (const [i, each] of list.entries()) check.subnet(each, [...path, field, i]);
    if (attribute === "destinationPort") checkPorts(list, [...path, field], check);
    if (attribute === "sourceServiceAccount") checkServiceAccounts(list, [...path, field], check);
  }
}

const IDENTITY_FIELDS = [
  ...(["principals", "notPrincipals", "requestPrincipals", "notRequestPrincipals"] as const),
  ...(["namespaces", "notNamespaces", "serviceAccounts", "notServiceAccounts"] as const),
];
const IDENTITY_KEY = /^(source\.(namespace|serviceAccount|principal)$|request\.auth\.)/;

/** Istio does not support who the caller is in rules for an external authorizer. */
function checkCustomRule({ from = [], when = [] }: AuthorizationRule, path: Path, check: Checker): void {
  const message = "is not supported with action CUSTOM";
  for (const [i, { source }] of from.entries())
    for (const field of IDENTITY_FIELDS)
      if (source[field]?.length) check.fail([...path, "from", i, "source", field], message);
  for (const [i, { key }] of when.entries())
    if (IDENTITY_KEY.test(key)) check.fail([...path, "when", i, "key"], `${key} ${message}`);
}

/** True when nothing of `from` and `to` is left for connections without HTTP, as Istio warns of it. */
function deniesAllTcp({ from = [], to = [] }: AuthorizationRule): boolean {
  const tcpFrom = from.some(({ source }) =>
    Object.keys(source).some((each) => each !== "requestPrincipals" && each !== "notRequestPrincipals"),
  );
  const tcpTo = to.some(({ operation }) => operation.ports !== undefined || operation.notPorts !== undefined);
  return (from.length > 0 && to.length === 0 && !tcpFrom) || (to.length > 0 && !tcpTo);
}
