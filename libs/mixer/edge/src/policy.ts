import { createVocabulary, type Vocabulary } from "@xebec/model-attributes";
import { type DeclaredFailure, type EdgeRule, NO_POLICY, type PolicyObjects } from "./edge-rule.ts";
import { type Code, type KnownAttributes, luaExpression, neverHolds, type Protocol } from "./lua-expression.ts";
import { failureOf } from "./read-rules.ts";
import { type ScriptRule, scriptOf } from "./script.ts";

/** A service, seen from the proxy of a workload behind it. */
export interface PolicyTarget {
  /** The namespace whose rules hold for all. */
  readonly rootNamespace: string;
  readonly namespace: string;
  readonly name: string;
  readonly host: string;
  /** Labels of the workload: those that rules read (`destinationLabelsIn`), at least. */
  readonly labels: Readonly<Record<string, string>>;
  /** Whether requests pass that get no answer from mixer-policy, as far as handlers declare nothing: `policyCheckFailOpen` of the mesh. */
  readonly failOpen: boolean;
  /** `tcp` for connections without HTTP: for those mixer-policy decides, where some rule selects them. */
  readonly protocol?: Protocol;
}

/** What has to be done for the requests of a service. */
export type Policy =
  /** No rule selects it. */
  | { readonly kind: "none"; readonly keys: readonly string[] }
  /** Envoy decides, by this script of its Lua filter. */
  | { readonly kind: "edge"; readonly keys: readonly string[]; readonly script: string }
  /** mixer-policy is asked; `failOpen` tells what becomes of requests that it does not answer. */
  | {
      readonly kind: "call";
      readonly keys: readonly string[];
      readonly why: readonly CallReason[];
      readonly failOpen: boolean;
    };

/** Longest script of a service, in characters: each worker of Envoy compiles it. */
const MOST_SCRIPT = 256 << 10;

/** Why mixer-policy has to be asked. */
export interface CallReason {
  readonly key: string;
  readonly why: string;
}

/**
 * What the rules ask for at a service: those of the root namespace, then those of its own (docs/reference/mixer.md §7.3). When one of them
 * needs mixer-policy, all are left to it, so that the answer is always the one that Mixer makes of all rules together.
 */
export function policyOf(objects: PolicyObjects, target: PolicyTarget): Policy {
  const { rootNamespace, namespace } = target;
  const own = objects.rules.filter((each) => each.namespace === namespace && namespace !== rootNamespace);
  const rules = [...objects.rules.filter((each) => each.namespace === rootNamespace), ...own];
  if (rules.length === 0) return { kind: "none", keys: [] };
  const translate = translatorOf(objects, target);
  const selecting: SelectingRule[] = [];
  const why: CallReason[] = [];
  for (const rule of rules) {
    const read = ruleOf(rule, target, translate);
    if (!read) continue;
    selecting.push(read);
    if (read.why !== undefined) why.push({ key: rule.key, why: read.why });
  }
  const keys = selecting.map(({ key }) => key);
  if (selecting.length === 0) return { kind: "none", keys };
  const declared = failureOf(selecting.map(({ failure }) => failure));
  const failOpen = declared === undefined ? target.failOpen : declared === "open";
  if (target.protocol === "tcp" || why.length > 0) return { kind: "call", keys, why, failOpen };
  const script = scriptOf(selecting, failOpen);
  if (script.length <= MOST_SCRIPT) return { kind: "edge", keys, script };
  return {
    kind: "call",
    keys,
    failOpen,
    why: keys.map((key) => ({ key, why: "the rules of the service are too many for a script" })),
  };
}

type Translate = (text: string) => Code;

function translatorOf({ attributes, generated }: PolicyObjects, target: PolicyTarget): Translate {
  const vocabulary: Vocabulary = createVocabulary(attributes, () => undefined);
  const { host, name, namespace, labels } = target;
  const texts = new Map([
    ["context.reporter.kind", "inbound"],
    ["destination.namespace", namespace],
    ["destination.service.host", host],
    ["destination.service.name", name],
    ["destination.service.namespace", namespace],
    ["destination.service.uid", `istio://${namespace}/services/${name}`],
  ]);
  const known: KnownAttributes = { texts, labels };
  const made = new Set(generated);
  return (text) => luaExpression(text, vocabulary, known, made, target.protocol);
}

/**
 * Why a rule needs mixer-policy wherever it selects a service.
 * @returns undefined when Envoy decides it, unless another rule of a service needs mixer-policy
 */
export function callReasonOf({ attributes, generated }: PolicyObjects, rule: EdgeRule): string | undefined {
  const vocabulary = createVocabulary(attributes, () => undefined);
  const made = new Set(generated);
  const translate: Translate = (text) => luaExpression(text, vocabulary, undefined, made);
  return ruleOf(rule, { host: rule.quotaHosts[0] ?? "" }, translate)?.why;
}

/** The rules that may hold for connections without HTTP. */
export function tcpPolicyOf(objects: PolicyObjects): PolicyObjects {
  const vocabulary = createVocabulary(objects.attributes, () => undefined);
  const made = new Set(objects.generated);
  const translate: Translate = (text) => luaExpression(text, vocabulary, undefined, made, "tcp");
  const rules = objects.rules.filter(
    (rule) => ruleOf(rule, { host: rule.quotaHosts[0] ?? "" }, translate) !== undefined,
  );
  return rules.length === 0 ? NO_POLICY : { ...objects, rules };
}

/** A rule that may hold for requests of the service. */
type SelectingRule = ScriptRule & { readonly why?: string; readonly failure: DeclaredFailure | undefined };

/** @returns undefined when the rule selects no request of the service */
function ruleOf(rule: EdgeRule, { host }: Pick<PolicyTarget, "host">, translate: Translate): SelectingRule | undefined {
  const { key, match, steps, call, quotaHosts, failure } = rule;
  let condition: Code | undefined;
  try {
    condition = match === "" ? undefined : translate(match);
    if (condition && neverHolds(condition)) return undefined;
    const isCounted = quotaHosts.some((each) => each === "*" || each === host);
    if (steps.length === 0 && call === undefined && !isCounted) return undefined;
    const translated = steps.map((step) => ("list" in step ? { ...step, value: translate(step.value) } : step));
    const of = translated.map((step) => ("list" in step ? valueProblem(step.list.type, step.value) : undefined));
    const why =
      call ?? (isCounted ? "quotas are counted in mixer-policy" : undefined) ?? condition?.why ?? of.find(Boolean);
    return { key, match, failure, condition, steps: translated, ...(why === undefined ? {} : { why }) };
  } catch (error) {
    return { key, match, failure, condition: undefined, steps: [], why: (error as Error).message };
  }
}

/** Why a value cannot be looked up by Envoy. */
function valueProblem(list: string, { type, why }: Code): string | undefined {
  if (why !== undefined) return why;
  if (type === "IP_ADDRESS") return list === "CASE_INSENSITIVE_STRINGS" ? "addresses are compared as texts" : undefined;
  if (type !== "STRING") return `values of type ${type} cannot be looked up`;
  return list === "IP_ADDRESSES" ? "the address is read from a text" : undefined;
}
