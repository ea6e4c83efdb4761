import type { Violation } from "@xebec/model-schema";
import type { EnvoyFilterSpec } from "./schema.ts";

/** Operations that Istio knows for what is changed; all others do nothing (docs/reference/pilot.md §3.6.2). */
const INSERTS = ["INSERT_BEFORE", "INSERT_AFTER", "INSERT_FIRST"];
const USUAL = ["MERGE", "ADD", "REMOVE"];
const OPERATIONS: Readonly<Record<string, readonly string[]>> = {
  CLUSTER: [...USUAL, ...INSERTS],
  LISTENER: [...USUAL, ...INSERTS],
  FILTER_CHAIN: [...USUAL, ...INSERTS],
  NETWORK_FILTER: [...USUAL, ...INSERTS, "REPLACE"],
  HTTP_FILTER: [...USUAL, ...INSERTS, "REPLACE"],
  LISTENER_FILTER: [...USUAL, ...INSERTS, "REPLACE"],
  ROUTE_CONFIGURATION: ["MERGE"],
  VIRTUAL_HOST: [...USUAL, "REPLACE"],
  HTTP_ROUTE: [...USUAL, ...INSERTS],
  EXTENSION_CONFIG: ["ADD"],
  BOOTSTRAP: ["MERGE"],
};

/** Patches that are valid and do nothing. */
export function* ineffectiveInEnvoyFilter({ configPatches = [] }: EnvoyFilterSpec): Generator<Violation> {
  for (const [i, { applyTo = "", match, patch }] of configPatches.entries()) {
    const path = ["spec", "configPatches", i];
    const { operation = "" } = patch ?? {};
    if (match?.context === "WAYPOINT")
      yield { path: [...path, "match", "context"], message: "WAYPOINT: there are no waypoints" };
    else if (!OPERATIONS[applyTo]?.includes(operation))
      yield { path: [...path, "patch", "operation"], message: `${operation} does nothing for ${applyTo}` };
    else if (operation === "REPLACE" && isFilter(applyTo) && !filterNameIn(applyTo, match?.listener))
      yield { path: [...path, "match"], message: "REPLACE needs a match of the filter" };
  }
}

function isFilter(applyTo: string): boolean {
  return applyTo === "NETWORK_FILTER" || applyTo === "HTTP_FILTER" || applyTo === "LISTENER_FILTER";
}

type Listener = NonNullable<NonNullable<NonNullable<EnvoyFilterSpec["configPatches"]>[number]["match"]>["listener"]>;

function filterNameIn(applyTo: string, listener: Listener | undefined): string | undefined {
  if (applyTo === "LISTENER_FILTER") return listener?.listenerFilter;
  const filter = listener?.filterChain?.filter;
  return applyTo === "NETWORK_FILTER" ? filter?.name : filter?.subFilter?.name;
}
