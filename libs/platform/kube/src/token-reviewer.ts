import { hash } from "node:crypto";
import { XebecError } from "@xebec/core-errors";
import type { Identity } from "@xebec/model-names";
import { TOKEN_AUDIENCE } from "@xebec/model-pki";
import type { KubeClient } from "./client.ts";
import { reviewToken } from "./reviews.ts";

/** Finds out whom a token belongs to. @throws XebecError unauthenticated, or unavailable when it cannot be found out */
export type TokenReviewer = (token: string) => Promise<Identity>;

/** Most reviews at the same time: whoever sends tokens shall not make the API server busy. */
const AT_ONCE = 32;
const LONGEST_TOKEN = 16 << 10;
const USER = /^system:serviceaccount:([a-z0-9]([-a-z0-9]*[a-z0-9])?):([a-z0-9]([-.a-z0-9]*[a-z0-9])?)$/;
const GROUP = "system:serviceaccounts";

/**
 * Takes tokens of service accounts that are for the audience `istio-ca` and that the API server knows (docs/reference/platform.md §1.3).
 * What is obviously none, is for somebody else, or has ended is refused without asking.
 */
export function createTokenReviewer(client: KubeClient, trustDomain: string): TokenReviewer {
  let running = 0;
  return async (token) => {
    checkClaims(token);
    if (running >= AT_ONCE)
      throw new XebecError("resource_exhausted", "too many tokens are being reviewed; try again in a moment");
    running++;
    try {
      const review = await reviewToken(client, token, { audiences: [TOKEN_AUDIENCE] });
      if (!review.authenticated) throw refused(review.reason);
      const { username, groups } = review.user;
      const [, namespace, , serviceAccount] = USER.exec(username) ?? [];
      if (namespace === undefined || serviceAccount === undefined || !groups.includes(GROUP))
        throw refused(`${username} is not a service account`);
      return { trustDomain, namespace, serviceAccount };
    } finally {
      running--;
    }
  };
}

/** @throws XebecError unauthenticated for what no API server would take */
function checkClaims(token: string): void {
  let claims: { readonly aud?: unknown; readonly exp?: unknown } | null;
  try {
    if (token.length > LONGEST_TOKEN) throw refused(`the token has more than ${LONGEST_TOKEN} characters`);
    claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as typeof claims;
  } catch (error) {
    if (error instanceof XebecError) throw error;
    throw refused("the token is not a JWT");
  }
  const audiences = [claims?.aud].flat();
  if (!audiences.includes(TOKEN_AUDIENCE))
    throw refused(`the token is not for the audience ${TOKEN_AUDIENCE}; project one with that audience into the pod`);
  if (typeof claims?.exp === "number" && claims.exp * 1_000 < Date.now()) throw refused("the token has expired");
}

function refused(why: string): XebecError {
  return new XebecError("unauthenticated", why);
}

/** How long a token is believed without asking again: it may be revoked, or its pod deleted. In milliseconds. */
const BELIEVED_MS = 60_000;
const MOST_BELIEVED = 10_000;

/** A reviewer that asks once a minute for each token: proxies that all come back at once, or come back often, cost the API server nothing. */
export function rememberingReviewer(review: TokenReviewer): TokenReviewer {
  const known = new Map<string, { readonly until: number; readonly answer: Promise<Identity> }>();
  return (token) => {
    const key = hash("sha256", token, "base64url");
    const found = known.get(key);
    if (found && found.until > Date.now()) return found.answer;
    const answer = review(token);
    if (known.size >= MOST_BELIEVED) known.delete(known.keys().next().value as string);
    known.delete(key);
    known.set(key, { until: Math.min(Date.now() + BELIEVED_MS, endOf(token)), answer });
    // What was refused, or could not be found out, is asked again.
    answer.catch(() => {
      if (known.get(key)?.answer === answer) known.delete(key);
    });
    return answer;
  };
}

function endOf(token: string): number {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as {
      exp?: unknown;
    };
    return typeof exp === "number" ? exp * 1_000 : Number.POSITIVE_INFINITY;
  } catch {
    return 0;
  }
}
