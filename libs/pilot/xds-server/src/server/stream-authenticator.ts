import { XebecError } from "@xebec/core-errors";
import type { Identity } from "@xebec/model-names";
import type { CallContext } from "@xebec/platform-grpc";
import type { Authenticator } from "@xebec/platform-identity";

/** Finds out who opens a stream; it may have to ask. */
export type StreamAuthenticator = (call: CallContext) => Identity | Promise<Identity>;

/** Finds out whom a token belongs to. @throws XebecError unauthenticated, or unavailable when it cannot be found out */
export type ReviewToken = (token: string) => Promise<Identity>;

/**
 * On Kubernetes a token that none of the mesh's own keys has signed is a service account's: the API server knows it.
 * @param review absent: there is no API server
 */
export function reviewingAuthenticator(
  authenticate: Authenticator,
  review: ReviewToken | undefined,
): StreamAuthenticator {
  if (!review) return authenticate;
  return (call) => {
    try {
      return authenticate(call);
    } catch (error) {
      const [, token] = /^Bearer (.+)$/.exec(call.metadata("authorization") ?? "") ?? [];
      // A certificate that was revoked, or has expired, is not made good by a token.
      if (!token || call.certificate) throw error;
      return review(token).catch((reason: unknown) => {
        const { code, message } = XebecError.from(reason);
        if (code !== "unauthenticated") throw reason;
        throw new XebecError("unauthenticated", `request authenticate failure: ${message}`, { cause: reason });
      });
    }
  };
}
