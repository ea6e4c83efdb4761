import { checkRule, type HeaderSpec, placeInRule, type ResolvedAction, resolveActions } from "@xebec/mixer-config";
import type { OutputField, Variety } from "@xebec/mixer-sdk";
import type { ValueType, Vocabulary } from "@xebec/model-attributes";
import type { Resource, RuleSpec } from "@xebec/model-resources";
import type { Conditions } from "./condition.ts";
import { type Handled, type Instanced, readObject, rejectFor } from "./read-objects.ts";

/** A rule as far as this service does its work. */
export interface ReadRule {
  readonly resource: Resource;
  /** Empty for a rule without condition. */
  readonly match: string;
  readonly actions: readonly ResolvedAction<Handled, Instanced>[];
  readonly headers: readonly HeaderSpec[];
  /** What of the rule has no effect, and why. */
  readonly problems: readonly string[];
}

export interface RuleContext {
  readonly vocabulary: Vocabulary;
  readonly handlers: ReadonlyMap<string, Handled>;
  readonly instances: ReadonlyMap<string, Instanced>;
  readonly varieties: ReadonlySet<Variety>;
}

/**
 * Reads a rule and resolves what it refers to (docs/reference/mixer.md §7.2). Bad actions are dropped one by one.
 * @returns undefined when it does nothing in this service, or when its condition is wrong
 */
export function readRule(resource: Resource, context: RuleContext, conditions: Conditions): ReadRule | undefined {
  const object = readObject(resource, conditions);
  if (!object) return undefined;
  const spec = object.spec as RuleSpec;
  const { actions: all, problems: dangling } = resolveActions(spec, resource.namespace, context);
  const { match, headers, violations } = checkRule(spec, context.vocabulary, outputsOf(all));
  const inMatch = violations.filter(({ path }) => path[1] === "match" || path[1] === "selector");
  if (inMatch.length > 0) {
    rejectFor(resource, inMatch, conditions);
    return undefined;
  }
  const own = headersConcern(context) ? headers : [];
  const actions: ResolvedAction<Handled, Instanced>[] = [];
  let isElsewhere = own.length < headers.length;
  for (const { name, handler, instances } of all) {
    const here = handler.ours ? instances.filter((each) => context.varieties.has(each.template.variety)) : [];
    if (here.length < instances.length) isElsewhere = true;
    if (here.length > 0) actions.push({ name, handler, instances: here });
  }
  const wrong = violations.filter(({ path }) => headersConcern(context) || !isHeaderOperation(path[1]));
  const texts = [...wrong, ...dangling].map(({ path, message }) => `${placeInRule(path)}: ${message}`);
  const problems = [...new Set(texts)];
  // Of a rule that works in the other service only that one speaks, also of what is wrong with it.
  const isOurs = actions.length + own.length > 0 || !isElsewhere;
  return isOurs ? { resource, match, actions, headers: own, problems } : undefined;
}

/** What header operations can read: of each action with a name the output of its first instance. */
function outputsOf(actions: readonly ResolvedAction<Handled, Instanced>[]): Map<string, ValueType> {
  const outputs = new Map<string, ValueType>();
  for (const { name, instances } of actions)
    for (const { name: field, type } of outputOf(instances)) outputs.set(`${name}.output.${field}`, type);
  return outputs;
}

/** The output of an action: of its first instance, when that is of a check. */
export function outputOf([first]: readonly Instanced[]): readonly OutputField[] {
  return first?.template.variety === "check" ? first.template.output : [];
}

/** Header operations are done with checks. */
const headersConcern = ({ varieties }: RuleContext): boolean => varieties.has("check");

const isHeaderOperation = (field: string | number | undefined): boolean =>
  field === "requestHeaderOperations" || field === "responseHeaderOperations";
