import type { KeyObject } from "node:crypto";
import { XebecError } from "@xebec/core-errors";
import { type Identity, parseSpiffe } from "@xebec/model-names";
import { type TokenClaims, verifyToken } from "@xebec/model-pki";
import type { CallContext } from "@xebec/platform-grpc";

export interface AuthenticatorOptions {
  /** That of tokens, and of certificates that are taken. */
  readonly trustDomain: string;
  /** True: certificates of other trust domains are taken, too, when their chain is trusted. */
  readonly anyTrustDomain?: boolean;
  /** Public keys whose tokens are taken now. */
  tokenKeys(): readonly KeyObject[];
  /** What is said of a token while there is no key: why, and what to do. */
  readonly withoutKeys: string;
  /** Says whether a client certificate was revoked after its connection had begun. */
  isRevoked(serial: string): boolean;
}

/** Finds out who calls. @throws XebecError unauthenticated with the reason of each way that was tried */
export type Authenticator = (call: CallContext) => Identity;

/** Most tokens that are remembered as verified. */
const MOST_REMEMBERED = 10_000;
const CLOCK_MS = 60_000;

/**
 * The authenticators in Istio's order (docs/reference/platform.md §1.3): the client certificate, then the token of the
 * local platform in `authorization: Bearer`. A token is verified once; while it is valid the result is remembered.
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { trustDomain, anyTrustDomain = false, withoutKeys, isRevoked } = options;
  const known = new Map<string, TokenClaims>();
  let keys: readonly KeyObject[] = [];
  const check = (token: string): TokenClaims => {
    const now = Date.now();
    const current = options.tokenKeys();
    // What a key has signed that is gone is not taken any more.
    if (current !== keys) known.clear();
    keys = current;
    const found = known.get(token);
    if (found && found.expiresAt * 1_000 + CLOCK_MS > now) return found;
    known.delete(token);
    const claims = verifyToken(keys, token, now);
    if (known.size >= MOST_REMEMBERED) known.delete(known.keys().next().value as string);
    known.set(token, claims);
    return claims;
  };
  return (call) => {
    if (call.certificate && isRevoked(call.certificate.serialNumber))
      throw refused("the client certificate is revoked");
    // The connection may be older than the end of the certificate, which shall not be the proof for another one.
    if (call.certificate && !(call.certificate.notAfter > Date.now()))
      throw refused("the client certificate has expired; connect with a new one, or with a token");
    const identity = call.identity === undefined ? undefined : parseSpiffe(call.identity);
    if (identity && (anyTrustDomain || identity.trustDomain === trustDomain)) return identity;
    const header = call.metadata("authorization");
    const certificate =
      call.identity === undefined
        ? "no client certificate is presented"
        : `${call.identity} is not a workload of trust domain ${trustDomain}`;
    if (!header?.startsWith("Bearer ")) throw refused(`${certificate}; no bearer token is presented`);
    if (options.tokenKeys().length === 0) throw refused(`${certificate}; ${withoutKeys}`);
    try {
      const { namespace, serviceAccount } = check(header.slice("Bearer ".length));
      return { trustDomain, namespace, serviceAccount };
    } catch (error) {
      throw refused(`${certificate}; ${XebecError.from(error).message}`, error);
    }
  };
}

function refused(why: string, cause?: unknown): XebecError {
  return new XebecError("unauthenticated", `request authenticate failure: ${why}`, { cause });
}
