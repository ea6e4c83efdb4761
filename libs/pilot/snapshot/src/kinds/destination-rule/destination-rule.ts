import { canonicalHost, resolveShortName } from "@xebec/model-names";
import type { DestinationRuleSpec, Resource } from "@xebec/model-resources";
import { HostIndex } from "../../collections/host-index.ts";
import { type ConfigKind, namedObject } from "../kind.ts";
import { type DestinationRuleReads, destinationRuleConditions } from "./conditions.ts";
import { type DestinationRule, type DestinationRuleState, destinationRuleKeys } from "./state.ts";

const { destinationRule } = destinationRuleKeys;

export const destinationRuleKind = {
  group: "networking.istio.io",
  kind: "DestinationRule",
  keys: destinationRuleKeys,
  initial: (): DestinationRuleState => ({ destinationRules: HostIndex.empty() }),
  make(resource, { domain }) {
    const { spec, namespace } = resource as Resource<DestinationRuleSpec>;
    return {
      ...namedObject(resource),
      hosts: [canonicalHost(resolveShortName(spec.host, namespace, domain))],
      exportTo: spec.exportTo ?? [],
      spec,
    };
  },
  selectorLabels: ({ spec }) => Object.keys(spec.workloadSelector?.matchLabels ?? {}),
  replace({ state, changed, batch }, before, after) {
    const touched = new Set<string>();
    state.destinationRules = state.destinationRules.replace(before, after, touched, batch);
    for (const host of touched) changed.add(destinationRule(host));
  },
  *parts({ destinationRules }) {
    for (const [host, list] of destinationRules.entries()) yield [destinationRule(host), list];
  },
  conditions: destinationRuleConditions,
} satisfies ConfigKind<DestinationRule, DestinationRuleState, DestinationRuleReads>;
