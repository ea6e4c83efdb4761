import { labelsMatch } from "@xebec/model-names";
import { type PolicyTargets, targetRefsOf } from "@xebec/model-resources";

/** The label by which proxies of a Gateway of the Gateway API are known. */
const GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name";

/** A policy of security.istio.io, as far as it says which proxies it is for. */
export interface SelectingPolicy {
  readonly namespace: string;
  readonly spec: PolicyTargets;
}

/** A proxy, as far as policies tell proxies apart. */
export interface SelectedProxy {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Says whether a policy is for a proxy (docs/reference/pilot.md §3.8, §3.9): one of the root namespace for all namespaces, any other
 * for its own; by its selector, or by a Gateway that it refers to.
 */
export function policySelects(
  { namespace, spec }: SelectingPolicy,
  rootNamespace: string,
  proxy: SelectedProxy,
): boolean {
  const refs = targetRefsOf(spec);
  if (refs.length > 0)
    return (
      namespace === proxy.namespace &&
      refs.some(({ kind, name }) => kind === "Gateway" && proxy.labels[GATEWAY_NAME] === name)
    );
  if (namespace !== rootNamespace && namespace !== proxy.namespace) return false;
  return labelsMatch(spec.selector?.matchLabels, proxy.labels);
}

/** The labels by which a policy tells proxies apart. */
export function policyLabels({ spec }: SelectingPolicy): readonly string[] {
  return targetRefsOf(spec).length > 0 ? [GATEWAY_NAME] : Object.keys(spec.selector?.matchLabels ?? {});
}
