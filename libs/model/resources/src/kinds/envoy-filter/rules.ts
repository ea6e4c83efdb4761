import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import { checkPolicyTargets } from "../shared/policy-target.ts";
import type { EnvoyConfigPatch, EnvoyFilterSpec } from "./schema.ts";

const LISTENER_CLASS = new Set(["LISTENER", "FILTER_CHAIN", "NETWORK_FILTER", "HTTP_FILTER", "LISTENER_FILTER"]);
const ROUTE_CLASS = new Set(["ROUTE_CONFIGURATION", "VIRTUAL_HOST", "HTTP_ROUTE"]);
const MANAGERS = new Set(["envoy.filters.network.http_connection_manager", "envoy.http_connection_manager"]);

/** Semantic rules of an EnvoyFilter, without those for the values of patches, which Envoy's API has (docs/reference/pilot.md §3.6). */
export function checkEnvoyFilter(spec: EnvoyFilterSpec, check: Checker): void {
  if (spec.workloadSelector) check.selector(spec.workloadSelector.labels ?? {}, ["spec", "workloadSelector"]);
  checkPolicyTargets({ ...(spec.targetRefs ? { targetRefs: spec.targetRefs } : {}) }, check);
  if (spec.targetRefs?.length && spec.workloadSelector)
    check.fail(["spec", "targetRefs"], "cannot be together with workloadSelector");
  for (const [i, each] of (spec.configPatches ?? []).entries()) checkPatch(each, ["spec", "configPatches", i], check);
}

function checkPatch({ applyTo = "INVALID", match, patch }: EnvoyConfigPatch, path: Path, check: Checker): void {
  if (applyTo === "INVALID") {
    check.fail([...path, "applyTo"], "is required");
    return;
  }
  const { operation = "INVALID", value } = patch ?? {};
  if (operation === "INVALID") check.fail([...path, "patch", "operation"], "is required");
  else if (operation !== "REMOVE" && value === undefined)
    check.fail([...path, "patch", "value"], `is required for operation ${operation}`);
  check.regex(match?.proxy?.proxyVersion || undefined, [...path, "match", "proxy", "proxyVersion"]);
  checkMatch(applyTo, match, [...path, "match"], check);
}

function checkMatch(applyTo: string, match: EnvoyConfigPatch["match"], path: Path, check: Checker): void {
  const { listener, routeConfiguration, cluster, waypoint } = match ?? {};
  const given = Object.entries({ listener, routeConfiguration, cluster, waypoint }).filter(([, each]) => each);
  if (given.length > 1) check.fail(path, `set one of ${given.map(([name]) => name).join(", ")}`);
  const wanted = LISTENER_CLASS.has(applyTo)
    ? "listener"
    : ROUTE_CLASS.has(applyTo)
      ? "routeConfiguration"
      : applyTo === "CLUSTER"
        ? "cluster"
        : undefined;
  for (const [name] of given)
    if (wanted !== undefined && name !== wanted)
      check.fail([...path, name], `applyTo ${applyTo} is matched by ${wanted}`);
  const filter = listener?.filterChain?.filter;
  if (!filter) return;
  const at = [...path, "listener", "filterChain", "filter"];
  if (applyTo === "LISTENER" || applyTo === "FILTER_CHAIN") check.warn(at, `has no effect with applyTo ${applyTo}`);
  if (!filter.name) check.fail([...at, "name"], "is required");
  else if (filter.subFilter) {
    if (applyTo !== "HTTP_FILTER") check.fail([...at, "subFilter"], "is for applyTo HTTP_FILTER only");
    else if (!MANAGERS.has(filter.name))
      check.fail([...at, "name"], "a subFilter is one of envoy.filters.network.http_connection_manager");
    else if (!filter.subFilter.name) check.fail([...at, "subFilter", "name"], "is required");
  }
}
