import type { KubeClient } from "./client.ts";

export interface TokenReviewOptions {
  /** Of which the token must name one; absent: those of the API server. */
  readonly audiences?: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** Who a token belongs to. */
export interface ReviewedToken {
  /** `system:serviceaccount:<namespace>:<name>`. */
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
  /** Of those that were asked for, which the token names. */
  readonly audiences: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

export type TokenReview =
  | { readonly authenticated: true; readonly user: ReviewedToken }
  | { readonly authenticated: false; readonly reason: string };

interface TokenReviewStatus {
  readonly authenticated?: boolean;
  readonly error?: string;
  readonly audiences?: readonly string[];
  readonly user?: {
    readonly username?: string;
    readonly uid?: string;
    readonly groups?: readonly string[];
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
}

/**
 * Asks the API server whom a token belongs to.
 * @throws KubeError and XebecError when the server cannot be asked; a token that it does not take is an answer
 */
export async function reviewToken(
  client: KubeClient,
  token: string,
  { audiences, signal }: TokenReviewOptions = {},
): Promise<TokenReview> {
  const { status = {} } = await client.call<{ readonly status?: TokenReviewStatus }>({
    ...{ method: "POST", path: "/apis/authentication.k8s.io/v1/tokenreviews", timeoutMs: 10_000, signal },
    body: {
      ...{ apiVersion: "authentication.k8s.io/v1", kind: "TokenReview" },
      spec: { token, ...(audiences ? { audiences } : {}) },
    },
  });
  const { authenticated, error, user } = status;
  if (error || !authenticated || !user?.username)
    return { authenticated: false, reason: error || "the API server does not know the token" };
  const found = status.audiences ?? [];
  // A server that does not know of audiences names none, and has not looked at them.
  if (audiences && !audiences.some((each) => found.includes(each)))
    return { authenticated: false, reason: `the token is not for the audience ${audiences.join(" or ")}` };
  const { username, uid = "", groups = [], extra = {} } = user;
  return { authenticated: true, user: { username, uid, groups, audiences: found, extra } };
}

/** What somebody wants to do. */
export interface Access {
  readonly user: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
  /** `get`, `list`, `create`. */
  readonly verb: string;
  readonly group: string;
  /** Plural. */
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** Asks the API server whether somebody may do something. @throws KubeError and XebecError when it cannot be asked */
export async function reviewAccess(
  client: KubeClient,
  { user, groups, extra, ...attributes }: Access,
  signal?: AbortSignal,
): Promise<{ readonly allowed: boolean; readonly reason: string }> {
  const { status } = await client.call<{ readonly status?: { readonly allowed?: boolean; readonly reason?: string } }>({
    ...{ method: "POST", path: "/apis/authorization.k8s.io/v1/subjectaccessreviews", timeoutMs: 10_000, signal },
    body: {
      ...{ apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview" },
      spec: {
        ...{ user, ...(groups ? { groups } : {}), ...(extra ? { extra } : {}) },
        resourceAttributes: attributes,
      },
    },
  });
  return { allowed: status?.allowed === true, reason: status?.reason ?? "" };
}
