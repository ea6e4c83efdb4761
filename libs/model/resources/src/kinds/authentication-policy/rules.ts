import type { Path, Violation } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import { isLabel, isToken } from "../../rules/names.ts";
import { checkKeySource } from "../request-authentication/rules.ts";
import type { AuthenticationPolicySpec, PolicyJwt } from "./schema.ts";

/** Every combination of rules is a rule of Envoy's. */
const MOST_COMBINATIONS = 100;

/** Semantic rules of a Policy and a MeshPolicy (docs/reference/pilot.md §3.14). */
export function checkAuthenticationPolicy(spec: AuthenticationPolicySpec, check: Checker): void {
  for (const [i, { name, ports = [] }] of (spec.targets ?? []).entries()) {
    const path: Path = ["spec", "targets", i];
    check.require(isLabel(name), [...path, "name"], `"${name}" is not the short name of a service`);
    for (const [j, port] of ports.entries())
      if ((port.number === undefined) === (port.name === undefined))
        check.fail([...path, "ports", j], "set one of number and name");
  }
  let combinations = 1;
  const issuers = new Set<string>();
  for (const [i, { jwt }] of (spec.origins ?? []).entries()) {
    const path: Path = ["spec", "origins", i, "jwt"];
    if (!jwt) {
      check.fail(path, "is required");
      continue;
    }
    if (issuers.has(jwt.issuer)) check.fail([...path, "issuer"], `${jwt.issuer} stands here twice`);
    issuers.add(jwt.issuer);
    checkJwt(jwt, path, check);
    combinations *= 1 + countOf(jwt);
  }
  if (combinations > MOST_COMBINATIONS)
    check.fail(["spec", "origins"], "have too many trigger rules together; use prefixes, or fewer of them");
}

/** In how many ways a path can trigger the rules of an origin. */
function countOf({ triggerRules = [] }: PolicyJwt): number {
  const counts = triggerRules.map(({ includedPaths = [] }) => Math.max(1, includedPaths.length));
  return Math.max(
    1,
    counts.reduce((a, b) => a + b, 0),
  );
}

function checkJwt(jwt: PolicyJwt, path: Path, check: Checker): void {
  checkKeySource(jwt, path, check);
  for (const [i, name] of (jwt.jwtHeaders ?? []).entries())
    check.require(isToken(name), [...path, "jwtHeaders", i], `"${name}" is not a name of a header`);
  for (const [i, rule] of (jwt.triggerRules ?? []).entries())
    for (const field of ["excludedPaths", "includedPaths"] as const)
      for (const [j, match] of (rule[field] ?? []).entries()) {
        const at = [...path, "triggerRules", i, field, j];
        if (Object.keys(match).length !== 1) check.fail(at, "set one of exact, prefix, suffix and regex");
        check.stringMatch(match, at);
      }
}

/** What other fields of the policy switch off. */
export function* ineffectiveInAuthenticationPolicy(spec: AuthenticationPolicySpec): Generator<Violation> {
  const origins = spec.origins?.length ?? 0;
  if (spec.originIsOptional && origins === 0)
    yield { path: ["spec", "originIsOptional"], message: "has no effect without origins" };
  if (spec.principalBinding === "USE_ORIGIN" && origins === 0)
    yield { path: ["spec", "principalBinding"], message: "has no effect without origins" };
  if (spec.principalBinding === "USE_PEER" && origins > 0)
    yield {
      path: ["spec", "principalBinding"],
      message: "request principals are those of tokens; ask for the peer's by source principals",
    };
}
