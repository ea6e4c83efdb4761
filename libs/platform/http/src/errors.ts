import { httpStatus, isXebecError, XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import type { FastifyInstance } from "fastify";

const log = logger("http");

/** The body of every error answer. */
export interface ErrorBody {
  readonly code: string;
  readonly message: string;
}

/** Makes every error of an app an answer: status and public text of a XebecError, a plain sentence for anything else. */
export function translateErrors(app: FastifyInstance): void {
  app.setErrorHandler((thrown, request, reply) => {
    const refused = refusal(thrown);
    if (refused) return reply.status(refused.status).send(refused.body);
    const error = XebecError.from(thrown);
    const status = httpStatus(error.code);
    const where = { err: error, method: request.method, url: request.url };
    if (status >= 500 && error.code !== "unavailable") log.error(where, "a request failed");
    else log.debug(where, "a request was refused");
    return reply.status(status).send({ code: error.code, message: error.message } satisfies ErrorBody);
  });
  app.setNotFoundHandler((request, reply) =>
    reply.status(404).send({
      code: "not_found",
      message: `nothing answers ${request.method} ${request.url} here`,
    } satisfies ErrorBody),
  );
}

/** Fastify's own refusals (body too large, not JSON, wrong content type): their text is written for callers. */
function refusal(thrown: unknown): { status: number; body: ErrorBody } | undefined {
  if (isXebecError(thrown) || !(thrown instanceof Error)) return undefined;
  const status: unknown = Reflect.get(thrown, "statusCode");
  if (typeof status !== "number" || status < 400 || status >= 500) return undefined;
  return {
    status,
    body: { code: status === 413 ? "resource_exhausted" : "invalid_argument", message: thrown.message },
  };
}
