import { XebecError } from "@xebec/core-errors";
import { readJwks } from "@xebec/model-pki";
import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import { isToken } from "../../rules/names.ts";
import { checkPolicyTargets } from "../shared/policy-target.ts";
import type { JwtRule, RequestAuthenticationSpec } from "./schema.ts";

const LONGEST_URL = 2_048;

/** Semantic rules of a RequestAuthentication (docs/reference/pilot.md §3.8). */
export function checkRequestAuthentication(spec: RequestAuthenticationSpec, check: Checker): void {
  checkPolicyTargets(spec, check);
  for (const [i, rule] of (spec.jwtRules ?? []).entries()) checkJwtRule(rule, ["spec", "jwtRules", i], check);
}

function checkJwtRule(rule: JwtRule, path: Path, check: Checker): void {
  if (!rule.issuer && !rule.jwksUri) check.fail(path, "set issuer or jwksUri");
  checkKeySource(rule, path, check);
  for (const [i, { name }] of (rule.fromHeaders ?? []).entries())
    check.require(isToken(name), [...path, "fromHeaders", i, "name"], `"${name}" is not a name of a header`);
  const { outputPayloadToHeader: payload } = rule;
  if (payload)
    check.require(isToken(payload), [...path, "outputPayloadToHeader"], `"${payload}" is not a name of a header`);
  for (const [i, { header }] of (rule.outputClaimToHeaders ?? []).entries())
    if (!/^[-_A-Za-z0-9]+$/.test(header))
      check.fail(
        [...path, "outputClaimToHeaders", i, "header"],
        `"${header}" is not a name of a header of letters, digits, - and _`,
      );
  check.duration(rule.timeout, [...path, "timeout"]);
}

/** Where the keys of tokens come from. The legacy Policy has the same fields. */
export function checkKeySource(
  { jwks, jwksUri }: { readonly jwks?: string; readonly jwksUri?: string },
  path: Path,
  check: Checker,
): void {
  if (jwksUri) checkUrl(jwksUri, [...path, "jwksUri"], check);
  if (!jwks) return;
  try {
    readJwks(jwks);
  } catch (error) {
    check.fail([...path, "jwks"], XebecError.from(error).message);
  }
}

function checkUrl(text: string, path: Path, check: Checker): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:\/\//i.test(text))
    check.fail(path, "is not a URL; write http:// or https:// and where the keys are");
  else if (text.length > LONGEST_URL) check.fail(path, `is longer than ${LONGEST_URL} characters`);
}
