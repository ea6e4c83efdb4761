import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import { checkCors, checkDirectResponse, checkRedirect } from "./answer-rules.ts";
import { checkFault } from "./fault-rules.ts";
import { checkAuthority, checkHeaders, checkOldHeaders } from "./header-rules.ts";
import type { HttpRoute } from "./http-route.ts";
import { checkMatch } from "./match-rules.ts";
import { checkDestination, checkWeights } from "./reference-rules.ts";
import { checkRetries } from "./retry-rules.ts";

/** Whose rule it is. */
interface RuleOwner {
  /** True when sidecars have it, too. */
  readonly forMesh: boolean;
  /** True for one without hosts. */
  readonly isDelegate: boolean;
}

/** A rule for HTTP. */
export function checkHttp(rule: HttpRoute, path: Path, check: Checker, { forMesh, isDelegate }: RuleOwner): void {
  checkActions(rule, path, check, isDelegate);
  for (const [i, match] of (rule.match ?? []).entries()) checkMatch(match, [...path, "match", i], check, forMesh);
  checkWeights(rule.route ?? [], [...path, "route"], check);
  check.duration(rule.timeout, [...path, "timeout"]);
  checkRedirect(rule, path, check);
  checkDirectResponse(rule, path, check);
  checkRewrite(rule, path, check);
  checkRetries(rule.retries, [...path, "retries"], check);
  checkFault(rule.fault, [...path, "fault"], check);
  if (rule.mirror && rule.mirrors) check.fail([...path, "mirrors"], "cannot be together with mirror");
  if (rule.mirrorPercent !== undefined)
    check.warn([...path, "mirrorPercent"], "is deprecated; write mirrorPercentage.value");
  if (rule.mirror) checkDestination(rule.mirror, [...path, "mirror"], check);
  for (const [i, each] of (rule.mirrors ?? []).entries())
    checkDestination(each.destination, [...path, "mirrors", i, "destination"], check);
  checkCors(rule.corsPolicy, [...path, "corsPolicy"], check);
  checkHeaders(rule.headers, [...path, "headers"], check);
  checkOldHeaders(rule, path, check);
  for (const [i, each] of (rule.route ?? []).entries()) {
    checkHeaders(each.headers, [...path, "route", i, "headers"], check);
    checkOldHeaders(each, [...path, "route", i], check);
  }
  checkAuthority(rule, path, check);
}

/** A rule does one thing; one that delegates leaves that to others. */
function checkActions(rule: HttpRoute, path: Path, check: Checker, isDelegate: boolean): void {
  const actions = (["route", "redirect", "directResponse"] as const).filter((each) =>
    each === "route" ? rule.route?.length : rule[each] !== undefined,
  );
  if (rule.delegate) {
    if (isDelegate)
      check.fail([...path, "delegate"], "cannot be in a VirtualService without hosts: a delegate has none");
    if (!rule.delegate.name) check.fail([...path, "delegate", "name"], "is required");
    for (const each of actions)
      if (each !== "directResponse") check.fail([...path, each], "cannot be together with delegate");
    return;
  }
  if (actions.length === 0) check.fail(path, "one of route, redirect and directResponse is needed");
  else if (actions.length > 1) check.fail([...path, actions[1] as string], `cannot be together with ${actions[0]}`);
}

function checkRewrite(rule: HttpRoute, path: Path, check: Checker): void {
  const { rewrite } = rule;
  if (!rewrite) return;
  for (const field of ["uri", "authority"] as const) check.headerText(rewrite[field], [...path, "rewrite", field]);
  if (rewrite.uri && rewrite.uriRegexRewrite) check.fail([...path, "rewrite"], "give uri or uriRegexRewrite, not both");
  if (!rewrite.uri && !rewrite.authority && !rewrite.uriRegexRewrite)
    check.fail([...path, "rewrite"], "one of uri, authority and uriRegexRewrite is needed");
  for (const field of ["match", "rewrite"] as const)
    if (rewrite.uriRegexRewrite?.[field] === "")
      check.fail([...path, "rewrite", "uriRegexRewrite", field], "must not be empty");
  check.regex(rewrite.uriRegexRewrite?.match, [...path, "rewrite", "uriRegexRewrite", "match"]);
}
