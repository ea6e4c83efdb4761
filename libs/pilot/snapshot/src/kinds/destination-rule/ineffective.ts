import { ineffectiveFields } from "@xebec/model-resources";
import { mergesWith, selectorText } from "./merging.ts";
import type { DestinationRule } from "./state.ts";

// What is valid in a DestinationRule and yet has no effect, as `path: why`. A user must never have to wonder about a field.

/** @param earlier the rules for the same host in the same namespace that were there before, the oldest first */
export function ineffectiveParts(rule: DestinationRule, earlier: readonly DestinationRule[]): string[] {
  const { spec } = rule;
  const older = earlier.filter((each) => mergesWith(each, rule));
  const found = [...ineffectiveFields("networking.istio.io", "DestinationRule", spec)];
  for (const [i, subset] of (spec.subsets ?? []).entries()) {
    const definer = older.find((each) => each.spec.subsets?.some(({ name }) => name === subset.name));
    if (definer)
      found.push(`spec.subsets[${i}]: the older ${definer.namespace}/${definer.name} defines ${subset.name}`);
  }
  const ruling = older.find((each) => each.spec.trafficPolicy);
  if (ruling && spec.trafficPolicy)
    found.push(`spec.trafficPolicy: that of the older ${ruling.namespace}/${ruling.name} holds for the host`);
  const apart = earlier.find((each) => selectorText(each) === selectorText(rule) && !mergesWith(each, rule));
  if (apart)
    found.push(
      `spec.exportTo: the older ${apart.namespace}/${apart.name} is exported elsewhere and holds alone where both are seen; export both alike to merge them`,
    );
  return found;
}
