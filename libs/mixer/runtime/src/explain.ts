import type { CheckResult, Instance, QuotaResult, ValueMap, Variety } from "@xebec/mixer-sdk";
import { type AttributeBag, formatIp, formatTimestamp, type Timestamp } from "@xebec/model-attributes";
import type { CompiledExpression } from "@xebec/model-expr";
import type { Action } from "./plan.ts";

/** A rule as it was compiled. */
export interface CompiledRule {
  /** The object's key, `config.istio.io/rule/default/deny`. */
  readonly key: string;
  readonly namespace: string;
  /** Absent: the rule always holds. */
  readonly match: CompiledExpression | undefined;
  readonly actions: readonly { readonly variety: Variety; readonly action: Action }[];
  /** Number of header operations. */
  readonly headers: number;
}

/** What came of an instance for one request. */
export interface ExplainedAction {
  readonly handler: string;
  readonly adapter: string;
  readonly instance: string;
  readonly template: string;
  /** By field, in the form of JSON; absent when they could not be evaluated. */
  readonly values?: Readonly<Record<string, unknown>>;
  /** What the handler said: of checks; of quotas, and of reports that it took (`{}`), only when they are handed over. */
  readonly answer?: CheckResult | QuotaResult | Readonly<Record<string, never>>;
  /** Why there are no values, or no answer. */
  readonly error?: string;
  /** How long the handler took. */
  readonly ms?: number;
}

/** What a rule makes of one request. */
export interface ExplainedRule {
  readonly rule: string;
  readonly match: string;
  readonly matched: boolean;
  /** Why the condition could not be evaluated; it counts as false then. */
  readonly error?: string;
  readonly actions: readonly ExplainedAction[];
  readonly headerOperations: number;
}

type Answer = NonNullable<ExplainedAction["answer"]>;

export interface Explainer {
  epoch(): number;
  /** Asks a handler. @returns undefined when it is not asked */
  ask(variety: Variety, action: Action, instance: Instance): Answer | undefined | Promise<Answer | undefined>;
}

/** Evaluates a rule for a request, and asks its handlers as far as they are to be asked. */
export async function explainRule(rule: CompiledRule, bag: AttributeBag, by: Explainer): Promise<ExplainedRule> {
  const { key, match, actions, headers } = rule;
  const head = { rule: key, match: match?.text ?? "", headerOperations: headers };
  try {
    if (match && match.evaluate(bag) !== true) return { ...head, matched: false, actions: [] };
  } catch (error) {
    return { ...head, matched: false, error: (error as Error).message, actions: [] };
  }
  const explained: ExplainedAction[] = [];
  for (const each of actions) explained.push(await explainAction(each, bag, by));
  return { ...head, matched: true, actions: explained };
}

async function explainAction(
  { variety, action }: CompiledRule["actions"][number],
  bag: AttributeBag,
  by: Explainer,
): Promise<ExplainedAction> {
  const { handler, instance } = action;
  const head = {
    ...{ handler: handler.name, adapter: handler.adapter },
    ...{ instance: instance.name, template: instance.template },
  };
  let built: Instance;
  try {
    built = instance.build(bag, by.epoch());
  } catch (error) {
    return { ...head, error: (error as Error).message };
  }
  const { name: _name, types: _types, ...fields } = built as Instance & Record<string, unknown>;
  const values = Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, plain(value)]));
  const since = performance.now();
  try {
    const answer = await by.ask(variety, action, built);
    if (answer === undefined) return { ...head, values };
    return { ...head, values, answer, ms: performance.now() - since };
  } catch (error) {
    return { ...head, values, error: (error as Error).message, ms: performance.now() - since };
  }
}

/** A value of an instance as JSON has it. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array)
    return value.length === 4 || value.length === 16 ? formatIp(value) : Buffer.from(value).toString("hex");
  if (typeof value !== "object" || value === null) return value;
  if ("names" in value && "values" in value) {
    const { names, values } = value as ValueMap;
    return Object.fromEntries(names.map((name, i) => [name, plain(values[i])]));
  }
  if ("entries" in value && typeof value.entries === "function") return Object.fromEntries(value.entries());
  if ("seconds" in value && "nanos" in value) return formatTimestamp(value as Timestamp);
  return Array.isArray(value) ? value.map(plain) : mapValues(value);
}

const mapValues = (value: object): object =>
  Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
