import type { Template, Variety } from "@xebec/mixer-sdk";
import type { Vocabulary } from "@xebec/model-attributes";
import { checkExpression } from "@xebec/model-expr";
import type { Resource } from "@xebec/model-resources";
import type { HeaderOperation } from "./outcome.ts";
import { resolveReference } from "./references.ts";

/** What a rule may refer to. `used` says whether this service has a part in it; `undefined` content is a rejected object. */
export interface KnownHandler {
  readonly name: string;
  /** Templates of the adapter. */
  readonly templates: readonly string[];
  /** False when another service runs this adapter, or the server itself does its work. */
  readonly ours: boolean;
  readonly rejected: boolean;
}

export interface KnownInstance {
  readonly name: string;
  readonly template: Template;
  readonly rejected: boolean;
}

export interface CheckedAction {
  readonly handler: KnownHandler;
  readonly instances: readonly KnownInstance[];
}

export interface HeaderSpec {
  readonly name: string;
  readonly on: "request" | "response";
  readonly operation: HeaderOperation["operation"];
  /** Absent for REMOVE. */
  readonly value?: string;
}

export interface CheckedRule {
  readonly resource: Resource;
  /** Empty for a rule without condition. */
  readonly match: string;
  readonly actions: readonly CheckedAction[];
  readonly headers: readonly HeaderSpec[];
  /** What of the rule has no effect, and why. */
  readonly faults: readonly string[];
  /** Whether it does anything in this service. */
  readonly ours: boolean;
}

export interface RuleSpecValue {
  readonly match?: string;
  readonly selector?: string;
  readonly actions?: readonly {
    readonly handler: string;
    readonly instances?: readonly string[];
    readonly name?: string;
  }[];
  readonly requestHeaderOperations?: readonly HeaderOperationSpec[];
  readonly responseHeaderOperations?: readonly HeaderOperationSpec[];
}

interface HeaderOperationSpec {
  readonly name: string;
  readonly values?: readonly string[];
  readonly operation?: HeaderOperation["operation"];
}

export interface RuleScope {
  readonly vocabulary: Vocabulary;
  readonly handlers: ReadonlyMap<string, KnownHandler>;
  readonly instances: ReadonlyMap<string, KnownInstance>;
  readonly varieties: ReadonlySet<Variety>;
}

/**
 * Checks a rule and resolves what it refers to (docs/reference/mixer.md §7.2). Bad actions are dropped one by one.
 * @throws ExpressionError when the condition is not a valid BOOL expression
 */
export function checkRule(resource: Resource, spec: RuleSpecValue, scope: RuleScope): CheckedRule {
  const match = (spec.match ?? spec.selector ?? "").trim();
  const unconditional = match === "" || match === "true";
  if (!unconditional) checkExpression(match, scope.vocabulary, "BOOL");
  const faults: string[] = [];
  const actions: CheckedAction[] = [];
  let elsewhere = false;
  for (const [i, { handler: reference, instances = [] }] of (spec.actions ?? []).entries()) {
    const where = `actions[${i}]`;
    const handler = resolveReference(scope.handlers, reference, "handler", resource.namespace);
    if (!handler)
      faults.push(`${where}.handler: there is no handler "${reference}" (seen from namespace ${resource.namespace})`);
    else if (handler.rejected) faults.push(`${where}.handler: "${reference}" was rejected`);
    else {
      const kept = resolveInstances(instances, handler, where, resource.namespace, scope, faults);
      const here = handler.ours ? kept.filter((each) => scope.varieties.has(each.template.variety)) : [];
      if (here.length < kept.length) elsewhere = true;
      if (here.length > 0) actions.push({ handler, instances: here });
    }
  }
  const headers = scope.varieties.has("check") ? checkHeaders(spec, scope, faults) : [];
  const ours = actions.length > 0 || headers.length > 0 || faults.length > 0 || !elsewhere;
  if (actions.length + headers.length === 0 && faults.length === 0 && !elsewhere)
    faults.push("the rule has no action and no header operation");
  return { resource, match: unconditional ? "" : match, actions, headers, faults, ours };
}

function resolveInstances(
  references: readonly string[],
  handler: KnownHandler,
  where: string,
  namespace: string,
  scope: RuleScope,
  faults: string[],
): KnownInstance[] {
  const kept = new Set<KnownInstance>();
  if (references.length === 0) faults.push(`${where}.instances: at least one is needed`);
  for (const [i, reference] of references.entries()) {
    const at = `${where}.instances[${i}]`;
    const instance = resolveReference(scope.instances, reference, "instance", namespace);
    if (!instance)
      faults.push(
        `${at}: there is no instance "${reference}" (seen from namespace ${namespace}); write NAME.KIND for a legacy kind`,
      );
    else if (instance.rejected) faults.push(`${at}: "${reference}" was rejected`);
    else if (kept.has(instance)) faults.push(`${at}: "${reference}" is given twice`);
    else if (!handler.templates.includes(instance.template.name))
      faults.push(`${at}: the handler ${handler.name} does not take the template ${instance.template.name}`);
    else kept.add(instance);
  }
  return [...kept];
}

/** One operation whose value is not a STRING expression drops all operations of the rule. */
function checkHeaders(spec: RuleSpecValue, { vocabulary }: RuleScope, faults: string[]): HeaderSpec[] {
  const out: HeaderSpec[] = [];
  for (const on of ["request", "response"] as const) {
    const list = (on === "request" ? spec.requestHeaderOperations : spec.responseHeaderOperations) ?? [];
    for (const [i, { name, values = [], operation = "REPLACE" }] of list.entries()) {
      if (operation === "REMOVE") out.push({ name, on, operation });
      for (const [j, value] of (operation === "REMOVE" ? [] : values).entries()) {
        try {
          checkExpression(value, vocabulary, "STRING");
          out.push({ name, on, operation, value });
        } catch (error) {
          faults.push(`${on}HeaderOperations[${i}].values[${j}]: ${(error as Error).message}`);
          return [];
        }
      }
    }
  }
  return out;
}
