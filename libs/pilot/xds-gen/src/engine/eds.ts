import { parseCluster } from "@xebec/model-names";
import { subsetLabels } from "../cluster/subset.ts";
import type { EncodedResource } from "../encode/encoded.ts";
import { encodeLoadAssignment } from "../encode/load-assignment.ts";
import { loadAssignment } from "../endpoint/endpoints.ts";
import type { Scope } from "../scope/scope.ts";
import { type ResourceSet, resourceSet } from "./resource-set.ts";
import type { ResourceRequest } from "./resource-type.ts";

/** The endpoints of the clusters that a proxy requested by name. */
export function endpoints(scope: Scope, { names: { key, names } }: ResourceRequest): ResourceSet {
  return scope.cached(`set/eds/${key}`, (inner) => resourceSet(names.map((name) => assignment(inner, name))));
}

function assignment(scope: Scope, name: string): EncodedResource {
  const entry = `eds/${name}`;
  // Names that only a client knows are not cached: their number is unbounded.
  return scope.isCached(entry) || isServed(scope, name)
    ? scope.cached(entry, (inner) => encodeLoadAssignment(loadAssignment(inner, name)))
    : encodeLoadAssignment(loadAssignment(scope, name));
}

/** True when the name is that of an existing cluster whose endpoints come by EDS. */
function isServed(scope: Scope, name: string): boolean {
  const { direction, host = "", port, subset } = parseCluster(name) ?? {};
  const service = direction === "outbound" ? scope.service(host) : undefined;
  if (service?.resolution !== "eds" || !service.ports.some((each) => each.number === port)) return false;
  return !subset || subsetLabels(scope, service, subset) !== undefined;
}
