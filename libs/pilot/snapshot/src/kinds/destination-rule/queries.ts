import { labelsMatch } from "@xebec/model-names";
import { isVisible, type MeshService } from "@xebec/pilot-registry";
import { Query } from "../../query.ts";
import type { MeshState } from "../mesh-config/state.ts";
import { hasSelector, mergesWith } from "./merging.ts";
import { type DestinationRule, type DestinationRuleState, destinationRuleKeys } from "./state.ts";

/** Whose rules are looked for. */
export interface RuleClient {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * The DestinationRules for a service, merged order: the proxy's namespace first (unless that is the root namespace, whose
 * rules are meant for everybody), then the service's, then the root namespace. Of several for the same host the oldest that
 * selects this proxy holds, else the oldest for all, with those that merge with it, the oldest first
 * (docs/reference/pilot.md §3.2).
 * @param direction inbound: for the server's own side, where rules for some workloads, which are for clients, do not count
 */
export const destinationRulesOf = new Query(
  (
    { destinationRules, mesh }: DestinationRuleState & MeshState,
    keys,
    service: MeshService,
    direction: "inbound" | "outbound",
    client: RuleClient,
  ): readonly DestinationRule[] => {
    keys.add(destinationRuleKeys.destinationRule(service.host));
    keys.add(destinationRuleKeys.destinationRule("*"));
    const { namespace } = client;
    const root = mesh.rootNamespace;
    for (const owner of new Set(
      namespace === root ? [service.namespace, root] : [namespace, service.namespace, root],
    )) {
      // To whom a rule is exported says nothing of its own namespace, which always sees it.
      const isSeen = (rule: DestinationRule): boolean =>
        owner === namespace || isVisible(rule.exportTo, owner, namespace, mesh.exportTo.destinationRule);
      const found = destinationRules.find(
        service.host,
        (rule) =>
          rule.namespace === owner &&
          isSeen(rule) &&
          (direction === "inbound" ? !hasSelector(rule) : selects(rule, client)),
      );
      const oldest = found.find(hasSelector) ?? found[0];
      if (oldest) return found.filter((rule) => mergesWith(oldest, rule));
    }
    return [];
  },
);

/** A rule with a workload selector is only for proxies of its namespace that have these labels. */
function selects(rule: DestinationRule, { namespace, labels }: RuleClient): boolean {
  if (!hasSelector(rule)) return true;
  return rule.namespace === namespace && labelsMatch(rule.spec.workloadSelector?.matchLabels, labels);
}

/** True when some rule prefers endpoints by their labels. */
export const hasLabelFailover = new Query(({ labelFailovers }: DestinationRuleState, keys): boolean => {
  keys.add(destinationRuleKeys.labelFailover);
  return labelFailovers > 0;
});
