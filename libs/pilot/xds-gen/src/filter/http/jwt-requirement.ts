import type { MessageInitShape } from "@bufbuild/protobuf";
import type { JwtRequirementSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/jwt_authn/v3/config";

export type JwtRequirement = MessageInitShape<typeof JwtRequirementSchema>;

/** A valid token of a provider. */
export const tokenOf = (name: string): JwtRequirement => ({
  requiresType: { case: "providerName", value: name },
});

const MISSING: JwtRequirement = { requiresType: { case: "allowMissing", value: {} } };
/** No token, or one that is not valid. */
export const ANYTHING: JwtRequirement = { requiresType: { case: "allowMissingOrFailed", value: {} } };

/** One of several; the one itself where there is one only. */
export function anyRequirement(requirements: readonly JwtRequirement[]): JwtRequirement {
  const [first] = requirements;
  return requirements.length === 1 && first
    ? first
    : { requiresType: { case: "requiresAny", value: { requirements: [...requirements] } } };
}

/** No token, or valid ones only (docs/reference/pilot.md §3.8). @param names of providers; at least one */
export function tokenIfPresent(names: readonly string[]): JwtRequirement {
  const each = names.map((name) => anyRequirement([tokenOf(name), MISSING]));
  if (each.length === 1) return each[0] as JwtRequirement;
  // Providers that read the same place: a token of one is not valid one of the others.
  const all: JwtRequirement = { requiresType: { case: "requiresAll", value: { requirements: each } } };
  return anyRequirement([...names.map(tokenOf), all]);
}
