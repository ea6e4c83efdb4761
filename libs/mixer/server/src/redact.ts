/** Headers, and parameters of a query, whose values are secrets. */
const HEADERS = [
  ...["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token", "x-csrf-token"],
  ...["x-forwarded-client-cert", "x-amz-security-token", "www-authenticate", "proxy-authenticate"],
];
const PARAMETERS = [
  ...["access_token", "id_token", "refresh_token", "token", "api_key", "apikey", "key", "password", "passwd"],
  ...["secret", "client_secret", "code", "signature", "sig"],
];
/** Attributes that are secrets themselves. */
const ATTRIBUTES = ["request.api_key", "request.auth.raw_claims"];
const REDACTED = "REDACTED";

/**
 * Makes a function that takes the secrets out of attributes: values of headers and claims, and of parameters in paths and query strings.
 * @param names further headers, parameters and attributes
 */
export function redactor(names: readonly string[] = []): (attributes: Readonly<Record<string, unknown>>) => object {
  const meant = new Set([...HEADERS, ...PARAMETERS, ...names].map((each) => each.toLowerCase()));
  const whole = new Set([...ATTRIBUTES, ...names]);
  const path = (text: string): string =>
    text.replace(/([?&;])([^=&;#]+)=([^&;#]*)/g, (all, mark: string, name: string) =>
      meant.has(decoded(name).toLowerCase()) ? `${mark}${name}=${REDACTED}` : all,
    );
  const redacted = (name: string, value: unknown): unknown => {
    if (whole.has(name)) return REDACTED;
    if (typeof value === "string") return value.includes("?") ? path(value) : value;
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value as Readonly<Record<string, string>>).map(([key, text]) => [
        key,
        meant.has(key.toLowerCase()) ? REDACTED : text.includes("?") ? path(text) : text,
      ]),
    );
  };
  return (attributes) =>
    Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, redacted(name, value)]));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
