import { httpStatus, XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";

const log = logger("http");

/** Body of every error answer. */
export interface ErrorBody {
  readonly code: string;
  readonly message: string;
}

/** Makes an error an answer: status and public text of a XebecError, a plain sentence for anything else. */
export function errorAnswer(
  thrown: unknown,
  method: string | undefined,
  url: string | undefined,
): { status: number; body: ErrorBody } {
  const error = XebecError.from(thrown);
  const status = httpStatus(error.code);
  const where = { err: error, method, url };
  if (status >= 500 && error.code !== "unavailable") log.error(where, "a request failed");
  else log.debug(where, "a request was refused");
  return { status, body: { code: error.code, message: error.message } };
}
