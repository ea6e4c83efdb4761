import { subsetLabels } from "../cluster/subset.ts";
import type { EncodedResource } from "../encode/encoded.ts";
import { encodeLoadAssignment } from "../encode/load-assignment.ts";
import { loadAssignment, outboundName } from "../endpoint/endpoints.ts";
import type { Place } from "../scope/place.ts";
import type { Scope } from "../scope/scope.ts";
import { type ResourceSet, resourceSet } from "./resource-set.ts";
import type { ResourceRequest } from "./resource-type.ts";

/**
 * The endpoints of the clusters that a proxy requested by name. Where none of them depends on where the proxy is, all proxies of the
 * class share one set.
 */
export function endpoints(scope: Scope, request: ResourceRequest): ResourceSet {
  const { key, names } = request.names;
  const shared = scope.cached(`set/eds/${key}`, (inner) => {
    const all = names.map((name) => assignment(inner, name));
    return all.every((each) => each !== undefined) ? resourceSet(all) : undefined;
  });
  return (
    shared ??
    scope.cachedFor(`set/eds-at/${key}`, request.place, (inner, place) =>
      resourceSet(names.map((name) => assignment(inner, name) ?? assignmentAt(inner, name, place))),
    )
  );
}

/** @returns undefined where it depends on the place of a proxy */
function assignment(scope: Scope, name: string): EncodedResource | undefined {
  const entry = `eds/${name}`;
  const make = (inner: Scope): EncodedResource | undefined => {
    const built = loadAssignment(inner, name);
    return built && encodeLoadAssignment(built);
  };
  // Names that only a client knows are not cached: their number is unbounded.
  return scope.isCached(entry) || isServed(scope, name) ? scope.cached(entry, make) : make(scope);
}

function assignmentAt(scope: Scope, name: string, place: Place): EncodedResource {
  return scope.cachedFor(`eds-at/${name}`, place, (inner, at) => {
    const built = loadAssignment(inner, name, at);
    return encodeLoadAssignment(built ?? { clusterName: name, localities: [], configKeys: [] });
  });
}

/** True when the name is that of an existing cluster whose endpoints come by EDS. */
function isServed(scope: Scope, name: string): boolean {
  const found = outboundName(name);
  const service = found && scope.service(found.host);
  if (service?.resolution !== "eds" || !service.ports.some((each) => each.number === found?.port)) return false;
  return !found?.subset || subsetLabels(scope, service, found.subset) !== undefined;
}
