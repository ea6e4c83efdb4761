import { labelsMatch } from "@xebec/model-names";
import type { DestinationRuleSpec, TrafficPolicy } from "@xebec/model-resources";
import { Query } from "../../query.ts";
import { hasSelector } from "./merging.ts";
import { type DestinationRule, type DestinationRuleState, destinationRuleKeys } from "./state.ts";

/** A `credentialName`, with its place in the object. */
interface CredentialPath {
  readonly path: string;
  readonly name: string;
  /** With SIMPLE only the authorities of the credential are meant. */
  readonly mode: "SIMPLE" | "MUTUAL";
}

/** Every `credentialName` of a rule. */
export function credentialPaths(spec: DestinationRuleSpec): CredentialPath[] {
  const found = inPolicy(spec.trafficPolicy, "spec.trafficPolicy");
  for (const [i, { trafficPolicy }] of (spec.subsets ?? []).entries())
    found.push(...inPolicy(trafficPolicy, `spec.subsets[${i}].trafficPolicy`));
  return found;
}

function inPolicy(policy: TrafficPolicy | undefined, path: string): CredentialPath[] {
  const given = [
    { tls: policy?.tls, path: `${path}.tls` },
    ...(policy?.portLevelSettings ?? []).map(({ tls }, i) => ({ tls, path: `${path}.portLevelSettings[${i}].tls` })),
  ];
  return given.flatMap(({ tls, path: at }) =>
    tls?.credentialName && (tls.mode === "SIMPLE" || tls.mode === "MUTUAL")
      ? [{ path: `${at}.credentialName`, name: tls.credentialName, mode: tls.mode }]
      : [],
  );
}

/** The credentials that a rule names. */
export function credentialNames(spec: DestinationRuleSpec): readonly string[] {
  return credentialPaths(spec).map(({ name }) => name);
}

/** All rules that name a credential. */
export const rulesWithCredentials = new Query(
  ({ destinationRules }: DestinationRuleState, keys): readonly DestinationRule[] => {
    keys.add(destinationRuleKeys.credentialRules);
    return [...destinationRules.all()].filter(({ spec }) => credentialNames(spec).length > 0);
  },
);

/** The credentials that rules with a workload selector name for the sidecars of a namespace that have these labels. */
export const credentialRulesOf = new Query(
  (
    { destinationRules }: DestinationRuleState,
    keys,
    namespace: string,
    labels: Readonly<Record<string, string>>,
  ): readonly string[] => {
    keys.add(destinationRuleKeys.credentialRules);
    return [...destinationRules.all()].flatMap((rule) =>
      rule.namespace === namespace && hasSelector(rule) && labelsMatch(rule.spec.workloadSelector?.matchLabels, labels)
        ? credentialNames(rule.spec)
        : [],
    );
  },
);
