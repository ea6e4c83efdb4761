import { isXebecError } from "@xebec/core-errors";
import type { FastifyInstance } from "fastify";
import { type ErrorBody, errorAnswer } from "./error-answer.ts";

/** Makes every error of an app an answer. */
export function translateErrors(app: FastifyInstance): void {
  app.setErrorHandler((thrown, request, reply) => {
    const { status, body } = refusal(thrown) ?? errorAnswer(thrown, request.method, request.url);
    return reply.status(status).send(body);
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
