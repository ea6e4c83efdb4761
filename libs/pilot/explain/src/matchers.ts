import { isIP } from "node:net";
import { type Json, list, object, string } from "@xebec/pilot-proxy-config";
import { RE2JS } from "re2js";

// Envoy's matchers, on the JSON form of their messages (envoy.type.matcher.v3, envoy.config.route.v3.HeaderMatcher).

/** Whether a StringMatcher takes a text. */
export function matchesString(matcher: unknown, text: string): boolean {
  const own = object(matcher) ?? {};
  const fold = (value: string): string => (own.ignore_case === true ? value.toLowerCase() : value);
  const given = fold(text);
  if (own.exact !== undefined) return given === fold(string(own.exact));
  if (own.prefix !== undefined) return given.startsWith(fold(string(own.prefix)));
  if (own.suffix !== undefined) return given.endsWith(fold(string(own.suffix)));
  if (own.contains !== undefined) return given.includes(fold(string(own.contains)));
  if (own.safe_regex !== undefined) return matchesRegex(own.safe_regex, text);
  // Envoy writes no field for an empty exact text.
  return text === "";
}

/** Whether a RegexMatcher takes the whole text. */
export function matchesRegex(matcher: unknown, text: string): boolean {
  // RE2JS has no `\C`, any byte. A header is read as Latin-1, where a byte is a character.
  const pattern = string(object(matcher)?.regex).replaceAll(/\\(.)/gs, (escaped, what) =>
    what === "C" ? "(?s:.)" : escaped,
  );
  return RE2JS.compile(pattern).matches(text);
}

/** Whether a HeaderMatcher takes the headers. @param headerValue the value of a header in lower case; undefined when it is absent */
export function matchesHeader(matcher: Json, headerValue: (name: string) => string | undefined): boolean {
  const sent = headerValue(string(matcher.name).toLowerCase());
  const value = sent ?? (matcher.treat_missing_header_as_empty === true ? "" : undefined);
  const inverted = matcher.invert_match === true;
  if (matcher.present_match !== undefined || isPresenceOnly(matcher)) {
    const wanted = matcher.present_match !== false;
    return ((sent !== undefined) === wanted) !== inverted;
  }
  // An inverted matcher does not take an absent header either.
  if (value === undefined) return false;
  return matchesValue(matcher, value) !== inverted;
}

function matchesValue(matcher: Json, value: string): boolean {
  const range = object(matcher.range_match);
  if (range) {
    const number = /^[+-]?\d+$/.test(value) ? Number(value) : Number.NaN;
    return number >= Number(range.start ?? 0) && number < Number(range.end ?? 0);
  }
  return matchesString(matcher.string_match, value);
}

function isPresenceOnly({ string_match, range_match }: Json): boolean {
  return string_match === undefined && range_match === undefined;
}

/** Whether a ValueMatcher takes a value of metadata. */
export function matchesMetadataValue(matcher: unknown, value: unknown): boolean {
  const own = object(matcher) ?? {};
  if (own.present_match !== undefined) return (value !== undefined) === (own.present_match === true);
  if (own.null_match !== undefined) return value === null;
  if (own.bool_match !== undefined) return value === (own.bool_match === true);
  if (own.string_match !== undefined) return typeof value === "string" && matchesString(own.string_match, value);
  const one = object(object(own.list_match)?.one_of);
  if (one) return Array.isArray(value) && value.some((each) => matchesMetadataValue(one, each));
  const either = object(own.or_match);
  if (either) return list(either.value_matchers).some((each) => matchesMetadataValue(each, value));
  return false;
}

/** The value at a path of metadata, such as `envoy.filters.http.jwt_authn`, `payload`, `iss`. */
export function metadataAt(metadata: Json, matcher: Json): unknown {
  let value: unknown = metadata[string(matcher.filter)];
  for (const { key } of list(matcher.path)) value = object(value)?.[string(key)];
  return value;
}

/** Whether an address is in a CidrRange. */
export function inRange(range: unknown, address: string): boolean {
  const own = object(range) ?? {};
  const prefix = string(own.address_prefix);
  const length = Number(own.prefix_len ?? 0);
  const [a, b] = [bitsOf(prefix), bitsOf(address)];
  return a !== undefined && b !== undefined && a.length === b.length && a.slice(0, length) === b.slice(0, length);
}

function bitsOf(address: string): string | undefined {
  if (isIP(address) === 4)
    return address
      .split(".")
      .map((each) => Number(each).toString(2).padStart(8, "0"))
      .join("");
  if (isIP(address) !== 6) return undefined;
  const [head = "", tail] = address.split("::");
  const groups = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const [front, back] = [groups(head), tail === undefined ? [] : groups(tail)];
  const zeros = tail === undefined ? [] : Array<string>(8 - front.length - back.length).fill("0");
  return [...front, ...zeros, ...back].map((each) => Number.parseInt(each, 16).toString(2).padStart(16, "0")).join("");
}
