import type { DestinationRule } from "./state.ts";

/**
 * Says whether a younger DestinationRule for the same host in the same namespace becomes one with an older one: both are for the
 * same workloads, and the younger is exported alike or further. Otherwise the older one holds alone wherever it is seen.
 */
export function mergesWith(older: DestinationRule, younger: DestinationRule): boolean {
  const given = exportsOf(older);
  const wanted = exportsOf(younger);
  return selectorText(older) === selectorText(younger) && [...given].every((each) => wanted.has(each));
}

/** True for a rule for some workloads only. */
export function hasSelector(rule: DestinationRule): boolean {
  return Object.keys(rule.spec.workloadSelector?.matchLabels ?? {}).length > 0;
}

/** Nothing said is everybody; `.` is the own namespace. */
function exportsOf({ exportTo, namespace }: DestinationRule): Set<string> {
  return new Set(exportTo.length === 0 ? ["*"] : exportTo.map((each) => (each === "." ? namespace : each)));
}

/** The workloads that a rule is for, as a text for comparing. */
export function selectorText({ spec }: DestinationRule): string {
  return JSON.stringify(Object.entries(spec.workloadSelector?.matchLabels ?? {}).sort());
}
