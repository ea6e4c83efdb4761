import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import { checkHosts, checkSni, isForMesh } from "./host-rules.ts";
import { checkHttp } from "./http-rules.ts";
import type { TcpRoute, TlsRoute } from "./l4-route.ts";
import { checkGateways, checkWeights } from "./reference-rules.ts";
import type { VirtualServiceSpec } from "./schema.ts";
import { warnOfUnreachable } from "./unreachable.ts";

/** Semantic rules of a VirtualService (docs/reference/platform.md §3.11). */
export function checkVirtualService(spec: VirtualServiceSpec, check: Checker): void {
  const path: Path = ["spec"];
  const isDelegate = !spec.hosts?.length;
  // Whether claims can be matched depends on who delegates.
  const forMesh = !isDelegate && isForMesh(spec);
  if (isDelegate) checkDelegate(spec, check);
  checkHosts(spec, forMesh, check);
  checkGateways(spec.gateways, [...path, "gateways"], check);
  check.require(
    Boolean(spec.http?.length || spec.tls?.length || spec.tcp?.length),
    path,
    "one of http, tls and tcp must have a rule",
  );
  check.exportTo(spec.exportTo, [...path, "exportTo"]);
  for (const [i, rule] of (spec.http ?? []).entries())
    checkHttp(rule, [...path, "http", i], check, { forMesh, isDelegate });
  for (const [i, rule] of (spec.tls ?? []).entries()) {
    for (const [j, match] of rule.match.entries())
      for (const [k, sni] of match.sniHosts.entries())
        checkSni(sni, spec, [...path, "tls", i, "match", j, "sniHosts", k], check);
    checkL4(rule, [...path, "tls", i], check);
  }
  for (const [i, rule] of (spec.tcp ?? []).entries())
    check.withoutWarnings(() => checkL4(rule, [...path, "tcp", i], check));
  warnOfUnreachable(spec, check);
}

/** A VirtualService without hosts has nothing but rules for HTTP, which others take over. */
function checkDelegate(spec: VirtualServiceSpec, check: Checker): void {
  for (const field of ["gateways", "tls", "tcp"] as const)
    if (spec[field]?.length)
      check.fail(["spec", field], "has no place in a VirtualService without hosts, which others delegate to");
}

function checkL4(rule: TcpRoute | TlsRoute, path: Path, check: Checker): void {
  for (const [i, match] of (rule.match ?? []).entries()) {
    const at = [...path, "match", i];
    for (const [j, subnet] of (match.destinationSubnets ?? []).entries())
      check.subnet(subnet, [...at, "destinationSubnets", j]);
    check.labels(match.sourceLabels, [...at, "sourceLabels"]);
    checkGateways(match.gateways, [...at, "gateways"], check);
  }
  checkWeights(rule.route, [...path, "route"], check);
}
