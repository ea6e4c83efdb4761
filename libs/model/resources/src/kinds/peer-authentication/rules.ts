import type { Checker } from "../../rules/checker.ts";
import type { PeerAuthenticationSpec } from "./schema.ts";

/** Semantic rules of a PeerAuthentication (docs/reference/platform.md §3.11). */
export function checkPeerAuthentication(spec: PeerAuthenticationSpec, check: Checker): void {
  const ports = Object.keys(spec.portLevelMtls ?? {});
  if (spec.portLevelMtls && Object.keys(spec.selector?.matchLabels ?? {}).length === 0)
    check.fail(["spec", "portLevelMtls"], "needs a selector: ports are those of a workload");
  if (spec.portLevelMtls && ports.length === 0) check.fail(["spec", "portLevelMtls"], "must not be empty");
  if (spec.selector) check.selector(spec.selector.matchLabels ?? {}, ["spec", "selector"]);
  for (const port of ports) if (Number(port) > 65_535) check.fail(["spec", "portLevelMtls", port], "is not a port");
}
