import type { HttpRoute } from "@xebec/model-resources";
import { NOT_YET } from "../conditions.ts";
import type { VirtualService } from "./state.ts";

// What is valid in a VirtualService and yet has no effect, as `path: why`. A user must never have to wonder about a field.

/** How a match names a claim of a token. */
const CLAIMS = "@request.auth.claims";

export function unsupportedInVirtualService({ spec, gateways }: VirtualService): string[] {
  const found: string[] = [];
  for (const kind of ["tls", "tcp"] as const)
    if (spec[kind]?.length && gateways.some((each) => each !== "mesh"))
      found.push(`spec.${kind}: ${gateways.includes("mesh") ? "Gateways take HTTP only so far" : NOT_YET}`);
  for (const [i, rule] of (spec.http ?? []).entries()) found.push(...inHttpRule(rule, `spec.http[${i}]`));
  for (const [kind, rules] of Object.entries({ http: spec.http ?? [], tls: spec.tls ?? [], tcp: spec.tcp ?? [] }))
    for (const [i, rule] of rules.entries())
      for (const [j, match] of (rule.match ?? []).entries())
        for (const field of ["sourceLabels", "sourceNamespace"] as const)
          if (match.gateways?.length && match[field] !== undefined)
            found.push(`spec.${kind}[${i}].match[${j}].${field}: has no effect beside gateways`);
  return found;
}

/** What only a request that is forwarded can have. */
const FORWARDING = ["timeout", "retries", "mirror", "mirrors", "rewrite"] as const;

function inHttpRule(rule: HttpRoute, path: string): string[] {
  const found: string[] = [];
  const answer = rule.redirect ? "redirect" : rule.directResponse ? "directResponse" : undefined;
  if (answer)
    for (const field of FORWARDING)
      if (rule[field] !== undefined) found.push(`${path}.${field}: has no effect beside ${answer}`);
  for (const field of ["mirrorPercentage", "mirrorPercent"] as const)
    if (rule[field] !== undefined && !rule.mirror) found.push(`${path}.${field}: has no effect without mirror`);
  for (const kind of ["delay", "abort"] as const) {
    const fault = rule.fault?.[kind];
    if (fault && !fault.percentage?.value && !fault.percent)
      found.push(`${path}.fault.${kind}: hits no request without a percentage`);
  }
  if (rule.retries?.retryRemoteLocalities)
    found.push(`${path}.retries.retryRemoteLocalities: localities have no priorities yet; any host may be tried`);
  for (const [i, match] of (rule.match ?? []).entries())
    for (const field of ["headers", "withoutHeaders"] as const)
      for (const name of Object.keys(match[field] ?? {}))
        if (name.startsWith(CLAIMS))
          found.push(
            `${path}.match[${i}].${field}.${name}: no request has claims; RequestAuthentication is ${NOT_YET}`,
          );
  for (const [i, match] of (rule.match ?? []).entries())
    if (match.ignoreUriCase && match.uri?.regex !== undefined)
      found.push(`${path}.match[${i}].ignoreUriCase: has no effect on a regex; begin it with (?i)`);
  return found;
}
