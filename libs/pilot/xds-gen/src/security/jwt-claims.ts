import type { MessageInitShape } from "@bufbuild/protobuf";
import type { MetadataMatcherSchema } from "@xebec/api-envoy/envoy/type/matcher/v3/metadata";
import type { StringMatcherSchema } from "@xebec/api-envoy/envoy/type/matcher/v3/string";

type MetadataMatcher = MessageInitShape<typeof MetadataMatcherSchema>;
type StringMatcher = MessageInitShape<typeof StringMatcherSchema>;

/** The filter that verifies tokens, and the namespace of its dynamic metadata. */
export const JWT_FILTER = "envoy.filters.http.jwt_authn";
/** Where in its metadata the claims of a verified token are. */
export const JWT_PAYLOAD = "payload";

/**
 * Matches a claim of a verified token: a text, or a list that has such a text.
 * @param path the names of the claim, from the outermost one
 * @param value undefined when any value will do
 * @param invert matches requests without such a claim
 */
export function claimMatcher(
  path: readonly string[],
  value: StringMatcher | undefined,
  invert = false,
): MetadataMatcher {
  return {
    filter: JWT_FILTER,
    path: [JWT_PAYLOAD, ...path].map((key) => ({ segment: { case: "key" as const, value: key } })),
    value: { matchPattern: value ? textOrList(value) : { case: "presentMatch", value: true } },
    invert,
  };
}

function textOrList(value: StringMatcher) {
  const text = { matchPattern: { case: "stringMatch" as const, value } };
  const list = {
    matchPattern: {
      case: "listMatch" as const,
      value: { matchPattern: { case: "oneOf" as const, value: text } },
    },
  };
  return { case: "orMatch" as const, value: { valueMatchers: [text, list] } };
}

const CLAIMS = "@request.auth.claims";

/**
 * The claim that the name of a header in a VirtualService's match means (docs/reference/pilot.md §3.1): `@request.auth.claims.a.b` or
 * `@request.auth.claims[a][b]`.
 * @returns undefined for a header
 */
export function claimOf(header: string): readonly string[] | undefined {
  if (header.slice(0, CLAIMS.length).toLowerCase() !== CLAIMS) return undefined;
  const rest = header.slice(CLAIMS.length);
  if (/^\../.test(rest)) return rest.slice(1).split(".");
  return /^\[.+\]$/.test(rest) ? rest.slice(1, -1).split("][") : undefined;
}
