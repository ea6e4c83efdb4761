import type { Path, Violation } from "@xebec/model-schema";
import type { HttpRoute } from "./http-route.ts";
import type { VirtualServiceSpec } from "./schema.ts";

/** What only a request that is forwarded can have. */
const FORWARDING = ["timeout", "retries", "mirror", "mirrors", "rewrite"] as const;

/** Fields that others of the same VirtualService switch off, and what Gateways do not look at. */
export function* ineffectiveInVirtualService(spec: VirtualServiceSpec): Generator<Violation> {
  const gateways = spec.gateways?.length ? spec.gateways : ["mesh"];
  if (!gateways.includes("mesh"))
    for (const kind of ["tls", "tcp"] as const)
      for (const [i, { match }] of (spec[kind] ?? []).entries())
        for (const [j, each] of (match ?? []).entries())
          for (const field of ["destinationSubnets", "sourceLabels", "sourceNamespace"] as const)
            if (each[field] !== undefined)
              yield { path: ["spec", kind, i, "match", j, field], message: "has no effect at a Gateway" };
  for (const [i, rule] of (spec.http ?? []).entries()) yield* inHttpRule(rule, ["spec", "http", i]);
  for (const kind of ["http", "tls", "tcp"] as const)
    for (const [i, rule] of (spec[kind] ?? []).entries())
      for (const [j, match] of (rule.match ?? []).entries())
        for (const field of ["sourceLabels", "sourceNamespace"] as const)
          if (match.gateways?.length && match[field] !== undefined)
            yield { path: ["spec", kind, i, "match", j, field], message: "has no effect beside gateways" };
}

function* inHttpRule(rule: HttpRoute, path: Path): Generator<Violation> {
  const answer = rule.redirect ? "redirect" : rule.directResponse ? "directResponse" : undefined;
  if (answer)
    for (const field of FORWARDING)
      if (rule[field] !== undefined) yield { path: [...path, field], message: `has no effect beside ${answer}` };
  for (const field of ["mirrorPercentage", "mirrorPercent"] as const)
    if (rule[field] !== undefined && !rule.mirror)
      yield { path: [...path, field], message: "has no effect without mirror" };
  for (const kind of ["delay", "abort"] as const) {
    const fault = rule.fault?.[kind];
    if (fault && !fault.percentage?.value && !fault.percent)
      yield { path: [...path, "fault", kind], message: "hits no request without a percentage" };
  }
  for (const [i, match] of (rule.match ?? []).entries()) {
    const at = [...path, "match", i];
    if (match.ignoreUriCase && match.uri?.regex !== undefined)
      yield { path: [...at, "ignoreUriCase"], message: "has no effect on a regex; begin it with (?i)" };
  }
}
