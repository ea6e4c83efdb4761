import type { MeshService } from "@xebec/pilot-registry";
import type { Scope } from "../scope/scope.ts";
import { serviceRule } from "./service-rule.ts";

/** The labels of a subset of a service as the class of proxies sees it; undefined when there is no such subset. */
export function subsetLabels(
  scope: Scope,
  service: MeshService,
  subset: string,
): Readonly<Record<string, string>> | undefined {
  const found = serviceRule(scope, service)?.spec.subsets?.find((each) => each.name === subset);
  return found && (found.labels ?? {});
}
