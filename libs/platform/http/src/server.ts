import { escapeControls } from "@xebec/core-log";
import { type FastifyInstance, fastify } from "fastify";
import { translateErrors } from "./errors.ts";
import { createListener, DEFAULT_LIMITS, type HttpServer, type ListenerOptions } from "./listener.ts";

export interface HttpServerOptions extends ListenerOptions {
  /** Adds the routes; called once in `start`. A route throws XebecError to answer with its status and public text. */
  routes(app: FastifyInstance): void | Promise<void>;
}

/** Makes an HTTP/1.1 server whose routes are Fastify's. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  return createListener(options, async (listener) => {
    const app = fastify({
      bodyLimit: options.limits?.maxBodyBytes ?? DEFAULT_LIMITS.maxBodyBytes,
      exposeHeadRoutes: true,
      serverFactory: (handler) => listener.on("request", handler),
    });
    // No character of an answer does anything to a terminal.
    app.setReplySerializer((body) => escapeControls(JSON.stringify(body)));
    translateErrors(app);
    await options.routes(app);
    await app.ready();
    return app;
  });
}
