import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import { isLabel, isName } from "../../rules/names.ts";
import { checkPort } from "../shared/port-rules.ts";

// What a rule names: gateways, and destinations with their weights.

/** Gateways are `NAME` or `NAMESPACE/NAME`. */
export function checkGateways(gateways: readonly string[] | undefined, path: Path, check: Checker): void {
  for (const [i, gateway] of (gateways ?? []).entries()) {
    const [namespace = "", name] = gateway.split(/\/(.*)/s);
    if (name === undefined) {
      if (!isName(gateway)) check.fail([...path, i], `"${gateway}" is not a gateway; write NAME or NAMESPACE/NAME`);
      const [first, second] = gateway.split(".");
      if (second) check.warn([...path, i], `"${gateway}" is the form of long ago; write ${second}/${first}`);
    } else if (!isLabel(namespace) || !isLabel(name))
      check.fail([...path, i], `"${gateway}" is not a gateway; write NAME or NAMESPACE/NAME`);
  }
}

/** A destination is a host, with the name of a subset and the number of a port. */
export function checkDestination(
  { host, subset, port }: { host: string; subset?: string; port?: { number?: number; name?: string } },
  path: Path,
  check: Checker,
): void {
  if (host === "*") check.fail([...path, "host"], "* is not a destination");
  else check.host(host, [...path, "host"]);
  if (subset && !isLabel(subset)) check.fail([...path, "subset"], `"${subset}" is not a name of a subset`);
  if (port) checkPort(port, [...path, "port"], check);
}

/** Destinations have weights that are not all zero. */
export function checkWeights(
  routes: readonly { destination: Parameters<typeof checkDestination>[0]; weight?: number }[],
  path: Path,
  check: Checker,
): void {
  for (const [i, { destination }] of routes.entries())
    checkDestination(destination, [...path, i, "destination"], check);
  const total = routes.reduce((sum, each) => sum + (each.weight ?? 0), 0);
  if (routes.length > 1 && total === 0) check.fail(path, `the weights of ${routes.length} destinations are all 0`);
  if (total > 4_294_967_295) check.fail(path, "the weights are too large together");
}
