import { type Code, XebecError } from "@xebec/core-errors";

/** One of several things that are wrong with a request: a field of an object, or of a conflict. */
export interface KubeCause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** What an API server says of a request that it did not do (`Status` of meta/v1). */
export interface KubeStatus {
  readonly message?: string;
  /** `NotFound`, `Conflict`, `Expired`. */
  readonly reason?: string;
  /** The HTTP status. */
  readonly code?: number;
  readonly details?: {
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly Partial<KubeCause>[];
  };
}

const CODES: Readonly<Record<number, Code>> = {
  ...{ 400: "invalid_argument", 401: "unauthenticated", 403: "permission_denied", 404: "not_found" },
  ...{ 405: "unimplemented", 409: "aborted", 410: "out_of_range", 415: "unimplemented", 422: "invalid_argument" },
  ...{ 429: "resource_exhausted", 500: "internal", 503: "unavailable", 504: "deadline_exceeded" },
};

/** A request that the API server answered with an error. */
export class KubeError extends XebecError {
  /** The HTTP status; 0 of an error that came within a watch and names none. */
  readonly status: number;
  /** As the server names it: `Conflict`. Empty when it does not. */
  readonly reason: string;
  readonly causes: readonly KubeCause[];
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  /** @param what was asked for, for the message: `list pods` */
  constructor(what: string, status: number, body: KubeStatus, retryAfterMs?: number) {
    const text = body.message || body.reason || `HTTP status ${status}`;
    super(codeOf(body.code ?? status, body.reason), `${what}: ${text}`);
    this.status = body.code ?? status;
    this.reason = body.reason ?? "";
    this.causes = (body.details?.causes ?? []).map(({ reason = "", message = "", field = "" }) => ({
      ...{ reason, message, field },
    }));
    const asked = body.details?.retryAfterSeconds;
    this.retryAfterMs = retryAfterMs ?? (asked === undefined ? undefined : asked * 1_000);
  }
}

function codeOf(status: number, reason: string | undefined): Code {
  if (reason === "AlreadyExists") return "already_exists";
  return CODES[status] ?? (status >= 500 ? "unavailable" : "unknown");
}

/** The error of a server, wherever it stands in a chain of causes. */
export function kubeErrorOf(error: unknown): KubeError | undefined {
  return error instanceof KubeError ? error : undefined;
}

/** There is no such object, or no such kind. */
export function isNotFound(error: unknown): boolean {
  return kubeErrorOf(error)?.status === 404;
}

/** The object was changed by somebody else, or somebody else manages a field. */
export function isConflict(error: unknown): boolean {
  return kubeErrorOf(error)?.status === 409 && kubeErrorOf(error)?.reason !== "AlreadyExists";
}

export function isAlreadyExists(error: unknown): boolean {
  return kubeErrorOf(error)?.reason === "AlreadyExists";
}

/** The resource version is too old: what changed since then is not known any more. */
export function isExpired(error: unknown): boolean {
  const found = kubeErrorOf(error);
  return found !== undefined && (found.status === 410 || found.reason === "Expired" || found.reason === "Gone");
}

/** The resource version is newer than all that the server has: its store is an older one, or another one. */
export function isFromTheFuture(error: unknown): boolean {
  const found = kubeErrorOf(error);
  return (
    found?.causes.some(({ reason }) => reason === "ResourceVersionTooLarge") === true ||
    /Too large resource version/i.test(found?.message ?? "")
  );
}
