import { Agent, type IncomingMessage, request } from "node:http";

/** Headers that a service passes on, so that one request can be followed through the mesh. */
const PASSED_ON = [
  "x-request-id",
  "x-b3-traceid",
  "x-b3-spanid",
  "x-b3-parentspanid",
  "x-b3-sampled",
  "x-b3-flags",
  "traceparent",
  "tracestate",
  "end-user",
  "user-agent",
  "cookie",
  "authorization",
];
const MAX_BODY = 1 << 20;

/** The headers of an incoming request that belong on the calls that it causes. */
export function passedOn(incoming: IncomingMessage): Record<string, string> {
  const entries = PASSED_ON.flatMap((name) => {
    const value = incoming.headers[name];
    return value === undefined ? [] : [[name, String(value)] as const];
  });
  return Object.fromEntries(entries);
}

// node:http sends plain requests through HTTP_PROXY as they are; fetch would tunnel each of them.
const agent = new Agent({ keepAlive: true, proxyEnv: process.env });

export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/**
 * Calls a service of the mesh.
 * @param url `http://reviews:9080/reviews/0`
 * @param timeoutMs how long to wait for the whole answer
 * @returns status 0 when there was no answer
 */
export function call(url: string, headers: Readonly<Record<string, string>>, timeoutMs: number): Promise<Reply> {
  return new Promise((resolve) => {
    const outgoing = request(url, { headers, agent, timeout: timeoutMs }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_BODY) response.destroy();
        else chunks.push(chunk);
      });
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, body: parsed(Buffer.concat(chunks).toString("utf8")) }),
      );
      response.on("error", () => resolve({ status: 0, body: undefined }));
    });
    outgoing.on("timeout", () => outgoing.destroy());
    outgoing.on("error", () => resolve({ status: 0, body: undefined }));
    outgoing.end();
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
