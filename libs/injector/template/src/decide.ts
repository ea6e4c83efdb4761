import { type InjectConfig, selectorMatches } from "./inject-config.ts";
import type { Pod } from "./pod.ts";

export interface Decision {
  readonly inject: boolean;
  /** Why, in words: what `inject --explain` and the log say. */
  readonly reason: string;
}

const INJECT = "sidecar.istio.io/inject";
const NEVER: ReadonlySet<string> = new Set(["kube-system", "kube-public", "kube-node-lease", "local-path-storage"]);
const YES = new Set(["y", "yes", "true", "on"]);

/** Decides whether a pod gets a sidecar (docs/reference/platform.md §4.3): the first step that says something wins. */
export function decide(pod: Pod, namespace: string, config: InjectConfig): Decision {
  if (pod.spec?.hostNetwork) return { inject: false, reason: "the pod uses the host's network" };
  if (NEVER.has(namespace)) return { inject: false, reason: `namespace ${namespace} is never injected` };
  const labels = pod.metadata?.labels ?? {};
  const explicit = labels[INJECT] ?? pod.metadata?.annotations?.[INJECT] ?? "";
  if (explicit !== "") {
    const inject = YES.has(explicit.toLowerCase());
    return { inject, reason: `${INJECT} is ${explicit}` };
  }
  if (config.neverInjectSelector.some((each) => selectorMatches(each, labels)))
    return { inject: false, reason: "neverInjectSelector matches" };
  if (config.alwaysInjectSelector.some((each) => selectorMatches(each, labels)))
    return { inject: true, reason: "alwaysInjectSelector matches" };
  return { inject: config.policy === "enabled", reason: `the policy is ${config.policy}` };
}
