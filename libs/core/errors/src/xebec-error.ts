import type { Code } from "./codes.ts";

export interface XebecErrorOptions {
  /** What an operator may read in the log but a caller may not. */
  readonly detail?: string;
  readonly cause?: unknown;
}

/**
 * The one error class. `message` is the public text: what is wrong, where, and what to do. `detail` and `cause` go to the
 * log only. Translation to gRPC and HTTP happens in platform/grpc and platform/http, nowhere else.
 */
export class XebecError extends Error {
  override readonly name = "XebecError";
  readonly code: Code;
  readonly detail: string | undefined;

  constructor(code: Code, message: string, options: XebecErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
  }

  /** Turns anything thrown into a XebecError; an unknown error's text stays private. */
  static from(thrown: unknown, code: Code = "internal"): XebecError {
    if (isXebecError(thrown)) return thrown;
    const detail = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    return new XebecError(code, "an internal error; the log of the service has the detail", { detail, cause: thrown });
  }
}

/** Says whether a value is a XebecError, also across two copies of this package. */
export function isXebecError(value: unknown): value is XebecError {
  return value instanceof XebecError || (value instanceof Error && value.name === "XebecError" && "code" in value);
}
