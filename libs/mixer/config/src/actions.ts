import { resolveReference, type Template } from "@xebec/model-mixer";
import type { RuleSpec } from "@xebec/model-resources";
import type { Path, Violation } from "@xebec/model-schema";

/** A handler that a rule may refer to. */
export interface KnownHandler {
  /** As shown to users. */
  readonly name: string;
  /** Templates of its adapter. */
  readonly templates: readonly string[];
  readonly rejected: boolean;
}

/** An instance that a rule may refer to. */
export interface KnownInstance {
  readonly name: string;
  readonly template: Template;
  readonly rejected: boolean;
}

/** What there is beside a rule, by full name. */
export interface RuleScope<H extends KnownHandler, I extends KnownInstance> {
  readonly handlers: ReadonlyMap<string, H>;
  readonly instances: ReadonlyMap<string, I>;
}

export interface ResolvedAction<H, I> {
  /** The action's own name; empty when it has none. */
  readonly name: string;
  readonly handler: H;
  readonly instances: readonly I[];
}

/**
 * Finds what a rule's actions refer to (docs/reference/mixer.md §7.2). References that lead nowhere are dropped one by one: what they
 * mean may still come.
 * @param namespace of the rule
 * @returns the actions that can be done, and what is wrong with the others
 */
export function resolveActions<H extends KnownHandler, I extends KnownInstance>(
  spec: RuleSpec,
  namespace: string,
  scope: RuleScope<H, I>,
): { readonly actions: readonly ResolvedAction<H, I>[]; readonly problems: readonly Violation[] } {
  const problems: Violation[] = [];
  const actions: ResolvedAction<H, I>[] = [];
  for (const [i, { handler: reference, instances = [], name = "" }] of (spec.actions ?? []).entries()) {
    const action: Path = ["spec", "actions", i];
    const path = [...action, "handler"];
    const handler = resolveReference(scope.handlers, reference, "handler", namespace);
    if (!handler)
      problems.push({ path, message: `there is no handler "${reference}" (seen from namespace ${namespace})` });
    else if (handler.rejected) problems.push({ path, message: `"${reference}" was rejected` });
    else {
      const kept = new Set<I>();
      for (const [j, each] of instances.entries()) {
        const message = resolveInstance(each, handler, namespace, scope, kept);
        if (message) problems.push({ path: [...action, "instances", j], message });
      }
      actions.push({ name, handler, instances: [...kept] });
    }
  }
  return { actions, problems };
}

/** @param kept gets the instance. @returns what is wrong with the reference, a clause */
function resolveInstance<H extends KnownHandler, I extends KnownInstance>(
  reference: string,
  handler: H,
  namespace: string,
  scope: RuleScope<H, I>,
  kept: Set<I>,
): string | undefined {
  const instance = resolveReference(scope.instances, reference, "instance", namespace);
  if (!instance)
    return `there is no instance "${reference}" (seen from namespace ${namespace}); write NAME.KIND for a legacy kind`;
  if (instance.rejected) return `"${reference}" was rejected`;
  if (kept.has(instance)) return `"${reference}" is given twice`;
  if (!handler.templates.includes(instance.template.name))
    return `the handler ${handler.name} does not take the template ${instance.template.name}`;
  kept.add(instance);
  return undefined;
}
