import { canonicalHost, resolveShortName } from "@xebec/model-names";
import type { DestinationRuleSpec, Resource } from "@xebec/model-resources";
import { HostIndex } from "../../collections/host-index.ts";
import { type ConfigKind, namedObject } from "../kind.ts";
import { comparedLabels } from "../shared/failover-labels.ts";
import { type DestinationRuleReads, destinationRuleConditions } from "./conditions.ts";
import { credentialNames } from "./credentials.ts";
import { type DestinationRule, type DestinationRuleState, destinationRuleKeys } from "./state.ts";

const { destinationRule, labelFailover, credentialRules } = destinationRuleKeys;

export const destinationRuleKind = {
  group: "networking.istio.io",
  kind: "DestinationRule",
  keys: destinationRuleKeys,
  initial: (): DestinationRuleState => ({ destinationRules: HostIndex.empty(), labelFailovers: 0 }),
  make(resource, { domain }) {
    const { spec, namespace } = resource as Resource<DestinationRuleSpec>;
    return {
      ...namedObject(resource),
      hosts: [canonicalHost(resolveShortName(spec.host, namespace, domain))],
      exportTo: spec.exportTo ?? [],
      spec,
    };
  },
  selectorLabels: ({ spec }) => [
    ...Object.keys(spec.workloadSelector?.matchLabels ?? {}),
    ...comparedLabels(failoverLabels(spec)),
  ],
  replace({ state, changed, batch }, before, after) {
    const touched = new Set<string>();
    state.destinationRules = state.destinationRules.replace(before, after, touched, batch);
    for (const host of touched) changed.add(destinationRule(host));
    if ([before, after].some((each) => each && credentialNames(each.spec).length > 0)) changed.add(credentialRules);
    const counts = [before, after].map((each) => (each && failoverLabels(each.spec).length > 0 ? 1 : 0));
    const [old = 0, now = 0] = counts;
    if (old !== now) {
      const was = state.labelFailovers > 0;
      state.labelFailovers += now - old;
      if (was !== state.labelFailovers > 0) changed.add(labelFailover);
    }
  },
  *parts({ destinationRules, labelFailovers }) {
    for (const [host, list] of destinationRules.entries()) {
      yield [destinationRule(host), list];
      for (const each of list) if (credentialNames(each.spec).length > 0) yield [credentialRules, each];
    }
    yield [labelFailover, labelFailovers > 0];
  },
  conditions: destinationRuleConditions,
} satisfies ConfigKind<DestinationRule, DestinationRuleState, DestinationRuleReads>;

/** The labels by which a rule prefers endpoints, on all of its levels. */
function failoverLabels({ trafficPolicy, subsets = [] }: DestinationRuleSpec): string[] {
  const policies = [trafficPolicy, ...subsets.map((each) => each.trafficPolicy)];
  return policies.flatMap((policy) =>
    [policy, ...(policy?.portLevelSettings ?? [])].flatMap(
      (each) => each?.loadBalancer?.localityLbSetting?.failoverPriority ?? [],
    ),
  );
}
