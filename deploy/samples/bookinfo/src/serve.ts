import { createServer, type IncomingMessage } from "node:http";

export interface Answer {
  readonly status?: number;
  /** A text is sent as HTML, anything else as JSON. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers a request; `form` is the body of a form post. */
export type App = (request: IncomingMessage, path: string, form: URLSearchParams) => Answer | Promise<Answer>;

const MAX_FORM = 16 << 10;

/** Serves an app on $BIND_ADDRESS (127.0.0.1) port $PORT (9080) until SIGTERM. `/health` always answers. */
export function serve(name: string, app: App): Promise<void> {
  const host = process.env.BIND_ADDRESS ?? "127.0.0.1";
  const port = Number(process.env.PORT ?? 9080);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_FORM) request.destroy();
      else chunks.push(chunk);
    });
    request.on("end", () => {
      const path = new URL(request.url ?? "/", "http://bookinfo").pathname;
      const answer = path === "/health" ? { body: { status: `${name} is healthy` } } : undefined;
      Promise.resolve(answer ?? app(request, path, new URLSearchParams(Buffer.concat(chunks).toString("utf8"))))
        .catch((error: unknown): Answer => ({ status: 500, body: { error: (error as Error).message } }))
        .then(({ status = 200, body, headers = {} }: Answer) => {
          const html = typeof body === "string";
          response.writeHead(status, {
            "content-type": html ? "text/html; charset=utf-8" : "application/json",
            ...headers,
          });
          response.end(html ? body : JSON.stringify(body));
        })
        .catch((error: unknown) => response.destroy(error as Error));
    });
  });
  // Longer than the proxy's own idle time, so that the proxy is the one that closes.
  server.keepAliveTimeout = 75_000;
  process.on("SIGTERM", () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      process.stderr.write(`${name}: ${host}:${port} cannot be bound: ${error.message}\n`);
      reject(error);
    });
    server.listen(port, host, () => {
      console.log(`${name} listens on ${host}:${port}`);
      resolve();
    });
  });
}
