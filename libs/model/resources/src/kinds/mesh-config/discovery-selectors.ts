import type { MeshConfigSpec } from "./schema.ts";

type LabelSelector = NonNullable<MeshConfigSpec["discoverySelectors"]>[number];

/** Selectors of namespaces: `MeshConfig.discoverySelectors`. */
export type DiscoverySelectors = readonly LabelSelector[];

/**
 * Whether the control plane reads a namespace, as Istio's filter of namespaces decides: one of the selectors has to match, and no namespace
 * is an exception, the root namespace neither (docs/reference/pilot.md §3.13).
 * @param selectors none: every namespace is read; a selector without conditions matches every namespace
 * @param labels of the namespace
 */
export function selectsNamespace(selectors: DiscoverySelectors, labels: Readonly<Record<string, string>>): boolean {
  return selectors.length === 0 || selectors.some((each) => matches(each, labels));
}

function matches(
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  labels: Readonly<Record<string, string>>,
): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === "In") return value !== undefined && values.includes(value);
      if (operator === "NotIn") return value === undefined || !values.includes(value);
      return (operator === "Exists") === (value !== undefined);
    })
  );
}
