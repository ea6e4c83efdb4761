import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  HeaderMatcherSchema,
  QueryParameterMatcherSchema,
} from "@xebec/api-envoy/envoy/config/route/v3/route_components";
import type { StringMatcherSchema } from "@xebec/api-envoy/envoy/type/matcher/v3/string";

/** Istio's StringMatch: exactly one of the three. */
export interface StringMatchSpec {
  readonly exact?: string;
  readonly prefix?: string;
  readonly regex?: string;
}

type StringMatcher = MessageInitShape<typeof StringMatcherSchema>;

/** The matcher of a value; undefined when any value that is present will do. */
export function stringMatcher(match: StringMatchSpec): StringMatcher | undefined {
  if (match.exact !== undefined) return { matchPattern: { case: "exact", value: match.exact } };
  if (match.prefix !== undefined) return { matchPattern: { case: "prefix", value: match.prefix } };
  if (match.regex === undefined || match.regex === "*") return undefined;
  return { matchPattern: { case: "safeRegex", value: { regex: match.regex } } };
}

/** @param invert true for `withoutHeaders` */
export function headerMatcher(
  name: string,
  match: StringMatchSpec,
  invert = false,
): MessageInitShape<typeof HeaderMatcherSchema> {
  const value = stringMatcher(match);
  if (!value) return { name, headerMatchSpecifier: { case: "presentMatch", value: true }, invertMatch: invert };
  return {
    name,
    headerMatchSpecifier: { case: "stringMatch", value },
    invertMatch: invert,
    treatMissingHeaderAsEmpty: invert,
  };
}

export function queryMatcher(
  name: string,
  match: StringMatchSpec,
): MessageInitShape<typeof QueryParameterMatcherSchema> {
  const value = stringMatcher(match);
  return value
    ? { name, queryParameterMatchSpecifier: { case: "stringMatch", value } }
    : { name, queryParameterMatchSpecifier: { case: "presentMatch", value: true } };
}
