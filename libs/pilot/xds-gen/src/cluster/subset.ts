import type { MeshService } from "@xebec/pilot-registry";
import type { GenerationContext } from "../scope/context.ts";
import { mergedRule } from "./traffic-policy.ts";

/** The labels of a subset of a service as the view sees it; undefined when there is no such subset. */
export function subsetLabels(
  context: GenerationContext,
  service: MeshService,
  subset: string,
): Readonly<Record<string, string>> | undefined {
  const found = mergedRule(context.destinationRules(service))?.spec.subsets?.find((each) => each.name === subset);
  return found && (found.labels ?? {});
}
