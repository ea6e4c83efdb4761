import type { AuthorizationRule } from "@xebec/model-resources";
import { NEVER, type RbacPolicy } from "./condition.ts";
import {
  conditionField,
  conditionOf,
  isOfDestination,
  operationFields,
  type RuleContext,
  sourceFields,
} from "./fields.ts";

/**
 * Translates a rule of an AuthorizationPolicy (docs/reference/pilot.md §3.9).
 * @param name Istio's name of the rule
 * @returns undefined for a rule that allows by attributes of HTTP, and is translated for connections without HTTP: it allows none of them
 */
export function rbacPolicy(name: string, rule: AuthorizationRule, context: RuleContext): RbacPolicy | undefined {
  const { from = [], to = [], when = [] } = rule;
  const conditions = when.map((each) => conditionField(each, context));
  const shared = (ofDestination: boolean) =>
    conditions.filter(({ key }) => isOfDestination(key) === ofDestination).flatMap(({ fields }) => fields);
  const [ofSource, ofDestination] = [shared(false), shared(true)];
  const sources = from.length > 0 ? from.map(({ source }) => sourceFields(source, context)) : [[]];
  const operations = to.length > 0 ? to.map(({ operation }) => operationFields(operation)) : [[]];
  const principals = sources.map((each) => [...each, ...ofSource]);
  const permissions = operations.map((each) => [...each, ...ofDestination]);
  const isHttpOnly = [...principals, ...permissions].flat().some((each) => each.isHttpOnly);
  if (isHttpOnly && context.forTcp && context.action === "ALLOW") return undefined;
  return {
    name,
    permissions: permissions.map((each) => conditionOf(each, context)),
    principals: principals.map((each) => conditionOf(each, context)),
  };
}

/** The rules of a policy by Istio's names. One without rules matches nothing, and counts as a policy all the same. */
export function rbacPolicies(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  rules: readonly AuthorizationRule[],
  context: RuleContext,
  prefix = "",
): RbacPolicy[] {
  const nameOf = (i: number): string => `${prefix}ns[${namespace}]-policy[${name}]-rule[${i}]`;
  if (rules.length === 0) return [{ name: nameOf(0), permissions: [NEVER], principals: [NEVER] }];
  return rules.flatMap((rule, i) => rbacPolicy(nameOf(i), rule, context) ?? []);
}
