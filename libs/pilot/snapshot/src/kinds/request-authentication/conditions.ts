import { ineffectiveFields } from "@xebec/model-resources";
import { type KeySetReads, keySetProblems } from "../../key-sets/problems.ts";
import { attached, ignored, unlessUnused } from "../conditions.ts";
import type { KnownProxies, ObjectCondition } from "../kind.ts";
import type { RequestAuthentication, RequestAuthenticationState } from "./state.ts";

export type RequestAuthenticationReads = RequestAuthenticationState & KeySetReads;

/** Whether each RequestAuthentication is in effect, and with which keys. */
export function* requestAuthenticationConditions(
  snapshot: RequestAuthenticationReads,
  proxies: KnownProxies,
): Generator<ObjectCondition> {
  for (const list of snapshot.requestAuthentications.values())
    for (const each of list) yield unlessUnused(conditionOf(each, snapshot), proxies);
}

function conditionOf({ key, spec }: RequestAuthentication, snapshot: KeySetReads): ObjectCondition {
  const rules = spec.jwtRules ?? [];
  if (rules.length === 0)
    return ignored(key, "NoProxyAffected", "spec.jwtRules: is empty, so that nothing is verified");
  const problems = rules.flatMap((rule, i) => keySetProblems(rule, `spec.jwtRules[${i}]`, snapshot));
  return attached(key, [...problems, ...ineffectiveFields("security.istio.io", "RequestAuthentication", spec)]);
}
