import { NameTableSchema } from "@xebec/api-mesh/istio/networking/nds/v1/nds";
import { encodedResource } from "../encode/resource.ts";
import { withFields } from "../encode/wire.ts";
import { nameEntries } from "../names/name-table.ts";
import { keyed } from "../scope/keyed.ts";
import type { Scope } from "../scope/scope.ts";
import { type ResourceSet, resourceSet } from "./resource-set.ts";
import type { ResourceRequest } from "./resource-type.ts";

const TABLE = NameTableSchema.field.table.number;
const NO_HEAD = new Uint8Array();

/** The table of the names that a workload can look up: one resource without a name, as in Istio. */
export function nameTables(scope: Scope, { workload: { binding }, place }: ResourceRequest): ResourceSet {
  const own = binding.mode === "explicit" ? binding.address : "";
  return scope.cachedFor("set/nds", keyed({ network: place.network, own }), (inner, resolver) => {
    const entries = inner.services().flatMap((service) => nameEntries(inner, service, resolver));
    return resourceSet([encodedResource("", withFields(NO_HEAD, TABLE, entries), [])]);
  });
}
