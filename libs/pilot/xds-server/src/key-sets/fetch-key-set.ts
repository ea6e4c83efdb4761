import { XebecError } from "@xebec/core-errors";
import { LONGEST_JWKS, readJwks } from "@xebec/model-pki";
import type { KeySetRef } from "@xebec/pilot-snapshot";
import { type AddressPolicy, guardedGet } from "@xebec/platform-http/guarded";

/** Where an issuer says what it offers (OpenID Connect Discovery 1.0, section 4). */
const DISCOVERY = "/.well-known/openid-configuration";
const MAX_REDIRECTS = 3;

export interface FetchOptions {
  /** Which addresses may be called. */
  readonly policy: AddressPolicy;
  /** More certificates that servers may be verified by, PEM. */
  readonly roots?: string | undefined;
  readonly signal: AbortSignal;
}

/** Fetches a key set. @throws XebecError that says why there is none; no message has a user or a password */
export async function fetchKeySet({ uri, issuer, timeoutMs }: KeySetRef, options: FetchOptions): Promise<string> {
  const until = Date.now() + timeoutMs;
  const get = (url: string): Promise<string> =>
    guardedGet(url, {
      ...options,
      timeoutMs: Math.max(1, until - Date.now()),
      maxBytes: LONGEST_JWKS,
      maxRedirects: MAX_REDIRECTS,
    });
  const at = uri || (await discovered(issuer, get));
  const text = await get(at);
  try {
    return readJwks(text);
  } catch (error) {
    throw new XebecError("unavailable", `${withoutSecrets(at)}: ${XebecError.from(error).message}`);
  }
}

/** The URL of the keys of an issuer, by its OpenID configuration. */
async function discovered(issuer: string, get: (url: string) => Promise<string>): Promise<string> {
  if (!isHttp(issuer))
    throw new XebecError(
      "unavailable",
      `the issuer "${issuer.slice(0, 200)}" is not an http URL; write jwksUri or jwks`,
    );
  const at = `${issuer.replace(/\/$/, "")}${DISCOVERY}`;
  const found = uriIn(await get(at));
  if (found !== undefined && isHttp(found)) return found;
  throw new XebecError("unavailable", `${withoutSecrets(at)} names no jwks_uri`);
}

function uriIn(text: string): string | undefined {
  try {
    const { jwks_uri: uri } = JSON.parse(text) as { jwks_uri?: unknown };
    return typeof uri === "string" ? uri : undefined;
  } catch {
    return undefined;
  }
}

function isHttp(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text);
}

/** A query and a user may be secret. */
function withoutSecrets(text: string): string {
  const { origin, pathname } = new URL(text);
  return `${origin}${pathname}`;
}
