import { type KeyObject, sign, verify } from "node:crypto";
import { XebecError } from "@xebec/core-errors";

/** Who signs the tokens of the local platform. */
export const TOKEN_ISSUER = "xebec-local";
/** Whom they are meant for, as in Istio. */
export const TOKEN_AUDIENCE = "istio-ca";
/** Longest token that is looked at, in characters. */
const LONGEST = 4_096;

/** Whom a token speaks for. */
export interface TokenSubject {
  readonly namespace: string;
  readonly serviceAccount: string;
}

export interface TokenClaims extends TokenSubject {
  /** Seconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

export interface TokenOrder extends TokenSubject {
  /** Whom it is meant for; citadel (`istio-ca`) by default. */
  readonly audience?: string;
}

const HEADER = encode({ alg: "ES256", typ: "JWT" });
/** Names that Kubernetes allows: no character of theirs means anything in a SPIFFE URI. */
const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

/**
 * Signs a bootstrap token for a service account: a JWT (RFC 7519) with ES256.
 * @param key private key on P-256
 * @param lifetimeSeconds how long it is valid
 * @param now milliseconds since 1970
 */
export function signToken(key: KeyObject, subject: TokenOrder, lifetimeSeconds: number, now = Date.now()): string {
  const issued = Math.floor(now / 1_000);
  const claims = encode({
    iss: TOKEN_ISSUER,
    sub: `system:serviceaccount:${checkName(subject.namespace)}:${checkName(subject.serviceAccount)}`,
    aud: [subject.audience ?? TOKEN_AUDIENCE],
    iat: issued,
    exp: issued + lifetimeSeconds,
  });
  const text = `${HEADER}.${claims}`;
  const signature = sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" });
  return `${text}.${signature.toString("base64url")}`;
}

/**
 * Verifies a bootstrap token: the algorithm is ES256 and nothing else, one of the keys signed it, issuer and audience fit,
 * and it is valid now: not before `nbf` and `iat`, not after `exp` (a clock may be a minute off).
 * @param now milliseconds since 1970
 * @throws XebecError unauthenticated that says which of these failed
 */
export function verifyToken(keys: readonly KeyObject[], token: string, now = Date.now()): TokenClaims {
  const parts = token.split(".");
  const [header, claims, signature] = parts;
  if (token.length > LONGEST || parts.length !== 3 || !header || !claims || !signature) throw refused("is not a JWT");
  if (decode(header).alg !== "ES256") throw refused("is not signed with ES256");
  const signed = Buffer.from(`${header}.${claims}`);
  const bytes = Buffer.from(signature, "base64url");
  if (!keys.some((key) => verify("sha256", signed, { key, dsaEncoding: "ieee-p1363" }, bytes)))
    throw refused("is signed with a key that is not known here");
  const { iss, sub, aud, iat, nbf, exp } = decode(claims);
  if (iss !== TOKEN_ISSUER) throw refused("has another issuer");
  if (!(Array.isArray(aud) ? aud : [aud]).includes(TOKEN_AUDIENCE)) throw refused("is meant for another audience");
  if (!isTime(exp) || !isTime(iat)) throw refused("does not say when it is valid");
  if (nbf !== undefined && !isTime(nbf)) throw refused("does not say from when on it is valid");
  if (exp * 1_000 + CLOCK_MS < now) throw refused("has expired");
  if (iat * 1_000 - CLOCK_MS > now) throw refused("is from the future");
  if (nbf !== undefined && nbf * 1_000 - CLOCK_MS > now) throw refused("is not valid yet");
  const match = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(String(sub));
  const [, namespace = "", serviceAccount = ""] = match ?? [];
  if (!NAME.test(namespace) || !NAME.test(serviceAccount)) throw refused("names no service account");
  return { namespace, serviceAccount, issuedAt: iat, expiresAt: exp };
}

const CLOCK_MS = 60_000;

/** A NumericDate (RFC 7519, section 2): seconds since 1970. */
function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function checkName(name: string): string {
  if (!NAME.test(name))
    throw new XebecError("invalid_argument", `"${name}" is not a Kubernetes name: small letters, digits, "-" and "."`);
  return name;
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function decode(part: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString());
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below like any other text that is not an object.
  }
  throw refused("is not a JWT");
}

function refused(why: string): XebecError {
  return new XebecError("unauthenticated", `the token ${why}`);
}
