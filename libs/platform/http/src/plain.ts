import type { IncomingMessage } from "node:http";
import { XebecError } from "@xebec/core-errors";
import { escapeControls } from "@xebec/core-log";
import { errorAnswer } from "./error-answer.ts";
import { createListener, type HttpServer, type ListenerOptions } from "./listener.ts";

export { requireOwnMachine } from "./caller.ts";

/** What is answered: an object as JSON, text as `type`. */
export interface PlainAnswer {
  readonly status?: number;
  readonly type?: string;
  readonly body?: string | object;
}

/** Pages by `METHOD /path`; a path that ends with `/*` stands for all below it. HEAD is answered as GET, without the body. */
export type PlainPages = Readonly<Record<string, (request: IncomingMessage) => PlainAnswer | Promise<PlainAnswer>>>;

/**
 * Makes an HTTP/1.1 server of a few fixed pages on node:http alone: the agent of every pod has one, and Fastify would cost each
 * of them 10 MiB. Bodies of requests are not read.
 */
export function createPlainServer(options: ListenerOptions & { readonly pages: PlainPages }): HttpServer {
  const pages = new Map(Object.entries(options.pages));
  const answer = async (request: IncomingMessage): Promise<PlainAnswer> => {
    const { method = "GET", url = "/" } = request;
    const path = url.replace(/\?.*/s, "");
    const verb = method === "HEAD" ? "GET" : method;
    const page = pages.get(`${verb} ${path}`) ?? pages.get(`${verb} ${/^\/[^/]+\//.exec(path)?.[0]}*`);
    if (!page) throw new XebecError("not_found", `nothing answers ${method} ${url} here`);
    return page(request);
  };
  return createListener(options, (listener) => {
    listener.on("request", async (request, response) => {
      const refused = (error: unknown): PlainAnswer => errorAnswer(error, request.method, request.url);
      const { status = 200, type, body = "" } = await answer(request).catch(refused);
      const bytes = Buffer.from(typeof body === "string" ? body : escapeControls(JSON.stringify(body)));
      response.statusCode = status;
      const shown = type ?? (typeof body === "string" ? "text/plain" : "application/json");
      if (bytes.length > 0) response.setHeader("content-type", `${shown}; charset=utf-8`);
      response.setHeader("content-length", bytes.length);
      // What is left of a body that nobody reads must not be taken for the next request.
      if (!request.complete) response.setHeader("connection", "close");
      response.end(request.method === "HEAD" ? undefined : bytes);
    });
    return {};
  });
}
