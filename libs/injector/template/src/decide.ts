import type { InjectConfig } from "./inject-config.ts";
import type { Pod } from "./pod.ts";
import { selectorMatches } from "./selector.ts";

export interface Decision {
  readonly inject: boolean;
  /** Why, in words: what `inject --explain` and the log say. */
  readonly reason: string;
  /** What the pod says and nobody understands. */
  readonly warning?: string;
}

/** One rule, in the order in which they are asked. */
export interface DecisionStep {
  readonly rule: string;
  /** Absent: the rule says nothing about this pod, and the next one is asked. */
  readonly inject?: boolean;
  readonly reason: string;
}

export const INJECT = "sidecar.istio.io/inject";
/** Namespaces of Kubernetes itself. */
export const NEVER_INJECTED: ReadonlySet<string> = new Set([
  "kube-system",
  "kube-public",
  "kube-node-lease",
  "local-path-storage",
]);
const YES = new Set(["y", "yes", "true", "on"]);
const NO = new Set(["n", "no", "false", "off"]);

type Rule = (pod: Pod, namespace: string, config: InjectConfig) => DecisionStep;

const RULES: readonly Rule[] = [
  ({ spec }) =>
    spec?.hostNetwork
      ? { rule: "hostNetwork", inject: false, reason: "the pod uses the host's network" }
      : { rule: "hostNetwork", reason: "the pod has a network of its own" },
  (_, namespace) =>
    NEVER_INJECTED.has(namespace)
      ? { rule: "namespace", inject: false, reason: `namespace ${namespace} is never injected` }
      : { rule: "namespace", reason: `namespace ${namespace} is not one of Kubernetes' own` },
  (pod) => explicit(pod),
  ({ metadata }, _, { neverInjectSelector }) =>
    neverInjectSelector.some((each) => selectorMatches(each, metadata?.labels ?? {}))
      ? { rule: "neverInjectSelector", inject: false, reason: "neverInjectSelector matches" }
      : { rule: "neverInjectSelector", reason: `none of ${neverInjectSelector.length} selectors matches` },
  ({ metadata }, _, { alwaysInjectSelector }) =>
    alwaysInjectSelector.some((each) => selectorMatches(each, metadata?.labels ?? {}))
      ? { rule: "alwaysInjectSelector", inject: true, reason: "alwaysInjectSelector matches" }
      : { rule: "alwaysInjectSelector", reason: `none of ${alwaysInjectSelector.length} selectors matches` },
  (_pod, _namespace, { policy }) => ({
    rule: "policy",
    inject: policy === "enabled",
    reason: `the policy is ${policy}`,
  }),
];

/** Decides whether a pod gets a sidecar (docs/reference/platform.md §4.3): the first rule that says something wins. */
export function decide(pod: Pod, namespace: string, config: InjectConfig): Decision {
  let warning: string | undefined;
  for (const rule of RULES) {
    const { inject, reason, rule: name } = rule(pod, namespace, config);
    if (name === INJECT && inject === undefined && wordOf(pod) !== "") warning = reason;
    if (inject !== undefined) return { inject, reason, ...(warning ? { warning } : {}) };
  }
  return { inject: false, reason: "no rule applies" };
}

/** All rules with what each of them says of a pod, to the one that decides. */
export function decisionSteps(pod: Pod, namespace: string, config: InjectConfig): DecisionStep[] {
  const steps: DecisionStep[] = [];
  for (const rule of RULES) {
    const step = rule(pod, namespace, config);
    steps.push(step);
    if (step.inject !== undefined) break;
  }
  return steps;
}

/** What the pod itself says: its label, else its annotation. */
function explicit(pod: Pod): DecisionStep {
  const value = wordOf(pod);
  const place = pod.metadata?.labels?.[INJECT] === undefined ? "annotation" : "label";
  if (value === "") return { rule: INJECT, reason: `the pod has no label or annotation ${INJECT}` };
  const word = value.toLowerCase();
  if (YES.has(word) || NO.has(word))
    return { rule: INJECT, inject: YES.has(word), reason: `the ${place} ${INJECT} is ${value}` };
  return {
    rule: INJECT,
    reason: `the ${place} ${INJECT} is "${value.slice(0, 80)}", which is neither "true" nor "false"; it is ignored`,
  };
}

function wordOf({ metadata }: Pod): string {
  return metadata?.labels?.[INJECT] ?? metadata?.annotations?.[INJECT] ?? "";
}
