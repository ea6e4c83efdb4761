import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { readBody } from "./body.ts";
import { type ErrorBody, errorAnswer } from "./errors.ts";
import { HttpReply } from "./reply.ts";
import { RouteTable } from "./route-table.ts";

/** The names of a pattern's parts that stand for something: `name` for `/logs/:name`. */
type Names<P extends string> = P extends `${infer Before}/${infer After}`
  ? Names<Before> | Names<After>
  : P extends `:${infer Name}`
    ? Name
    : P extends "*"
      ? P
      : never;

/** A request as handlers see it. */
export interface HttpRequest<N extends string = never> {
  readonly method: string;
  /** As it came: path and query. */
  readonly url: string;
  /** The pattern of the route that was found: `/scopez/:scope`. */
  readonly route: string;
  readonly headers: IncomingHttpHeaders;
  /** Decoded values of the pattern's `:name` parts; `*` holds what a trailing star stands for. */
  readonly params: Readonly<Record<N, string>>;
  /** The first value of each parameter of the query. */
  readonly query: Readonly<Record<string, string | undefined>>;
  /** Parsed JSON, or text; undefined without a body. */
  readonly body: unknown;
  readonly raw: IncomingMessage;
}

/** Answers with the reply, or returns what to answer: text, or anything else as JSON. Throws XebecError to refuse. */
export type HttpHandler<N extends string = never> = (request: HttpRequest<N>, reply: HttpReply) => unknown;

/**
 * The routes of a server. Patterns are literal but for parts `:name` and a `*` at the end. It does what our few pages need: a
 * framework would cost every process, also the agent of every pod, some 6 MiB (docs/adr/0013-http-routes.md).
 */
export class HttpApp {
  readonly #routes = new RouteTable<HttpHandler<string>>();
  readonly #guards: ((request: HttpRequest) => void)[] = [];
  readonly #maxBodyBytes: number;

  /** @param maxBodyBytes largest body of a request */
  constructor(maxBodyBytes: number) {
    this.#maxBodyBytes = maxBodyBytes;
  }

  /** Answers GET, and HEAD without the body. */
  get<P extends string>(pattern: P, handler: HttpHandler<Names<P>>): void {
    this.#routes.add("GET", pattern, handler);
  }

  post<P extends string>(pattern: P, handler: HttpHandler<Names<P>>): void {
    this.#routes.add("POST", pattern, handler);
  }

  put<P extends string>(pattern: P, handler: HttpHandler<Names<P>>): void {
    this.#routes.add("PUT", pattern, handler);
  }

  /** Asked for every request to a route before its body is read; throws XebecError to refuse it. */
  guard(check: (request: HttpRequest) => void): void {
    this.#guards.push(check);
  }

  /** Serves one request. Never rejects. */
  async serve(raw: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = new HttpReply(response, raw.method === "HEAD");
    const { method = "GET", url = "/" } = raw;
    try {
      const at = url.indexOf("?");
      const path = at === -1 ? url : url.slice(0, at);
      const found = this.#routes.find(method === "HEAD" ? "GET" : method, path);
      if (!found) {
        const message = `nothing answers ${method} ${url} here`;
        reply.status(404).send({ code: "not_found", message } satisfies ErrorBody);
        return;
      }
      const request = {
        ...{ method, url, route: found.pattern, headers: raw.headers, params: found.params, raw },
        query: queryOf(at === -1 ? "" : url.slice(at + 1)),
        body: undefined as unknown,
      };
      for (const check of this.#guards) check(request);
      request.body = await readBody(raw, this.#maxBodyBytes);
      const result = await found.value(request, reply);
      if (!reply.sent) reply.send(result === reply ? undefined : result);
    } catch (error) {
      if (reply.sent) return;
      const { status, body } = errorAnswer(error, method, url);
      // What is left of a body that nobody reads must not be taken for the next request.
      if (!raw.complete) reply.header("connection", "close");
      reply.status(status).send(body);
    }
  }
}

function queryOf(text: string): Readonly<Record<string, string>> {
  const query: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(text)) query[name] ??= value;
  return query;
}
