import type { DestinationRuleSpec, TrafficPolicy } from "@xebec/model-resources";
import type { MeshPort, MeshService } from "@xebec/pilot-registry";
import type { DestinationRule } from "@xebec/pilot-snapshot";
import type { Scope } from "../scope/scope.ts";

/** The DestinationRules for a service as one. */
export interface ServiceRule {
  readonly spec: DestinationRuleSpec;
  /** Keys of the rules, the oldest first. */
  readonly keys: readonly string[];
}

/**
 * The rule for calls to a service.
 * @param direction inbound: for the server's own side
 * @returns undefined when there is none
 */
export function serviceRule(
  scope: Scope,
  service: MeshService,
  direction: "inbound" | "outbound" = "outbound",
): ServiceRule | undefined {
  return mergedRule(scope.destinationRules(service, direction), service.ports);
}

/**
 * The rule that DestinationRules that merge are together: all subsets, the policy of the oldest that has one
 * (docs/reference/pilot.md §3.2).
 * @param ports of the service, by which names of ports are understood
 */
export function mergedRule(
  rules: readonly DestinationRule[],
  ports: readonly MeshPort[] = [],
): ServiceRule | undefined {
  const [oldest, ...rest] = rules;
  if (!oldest) return undefined;
  const subsets = new Map((oldest.spec.subsets ?? []).map((subset) => [subset.name, subset]));
  for (const rule of rest)
    for (const subset of rule.spec.subsets ?? []) if (!subsets.has(subset.name)) subsets.set(subset.name, subset);
  const trafficPolicy = rules.find((rule) => rule.spec.trafficPolicy)?.spec.trafficPolicy;
  return {
    spec: {
      ...oldest.spec,
      ...(trafficPolicy ? { trafficPolicy: withNumbers(trafficPolicy, ports) } : {}),
      subsets: [...subsets.values()].map((subset) =>
        subset.trafficPolicy ? { ...subset, trafficPolicy: withNumbers(subset.trafficPolicy, ports) } : subset,
      ),
    },
    keys: rules.map((rule) => rule.key),
  };
}

/** A policy whose ports are all known by their numbers; ports that the service does not have are left out. */
function withNumbers(policy: TrafficPolicy, ports: readonly MeshPort[]): TrafficPolicy {
  if (!policy.portLevelSettings?.some(({ port }) => port.name !== undefined)) return policy;
  const portLevelSettings = policy.portLevelSettings.flatMap((each) => {
    if (each.port.name === undefined) return [each];
    const found = ports.find(({ name }) => name === each.port.name);
    return found ? [{ ...each, port: { number: found.number } }] : [];
  });
  return { ...policy, portLevelSettings };
}
