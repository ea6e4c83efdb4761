import type { KeySetState } from "./key-sets.ts";
import { type KeySource, keySetRefOf } from "./references.ts";

/** What is wrong with the keys of a rule, for the condition of its object. @param path of the rule */
export function keySetProblems(rule: KeySource, path: string, { keySets }: KeySetState): string[] {
  const ref = keySetRefOf(rule);
  if (!ref) return [];
  const known = keySets.get(ref.id);
  if (!known || known.problem === "") return [];
  const field = ref.uri === "" ? "issuer" : "jwksUri";
  const effect = known.jwks === undefined ? "requests with a token get 401" : "the keys of before are in effect";
  return [`${path}.${field}: ${known.problem}; ${effect}`];
}
