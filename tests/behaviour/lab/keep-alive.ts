import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import type { Connection, HttpAnswer, HttpRequest } from "./calls.ts";
import { open } from "./client.ts";

const kept = new Map<string, Socket>();

/** Opens a connection for many requests. @returns its id */
export async function keepAlive(connection: Connection): Promise<string> {
  const id = randomUUID();
  kept.set(id, await open(connection));
  return id;
}

/** Makes a request of HTTP/1.1 on it, whose answer must have a length. The status is 0 when there is no answer. */
export function requestOn(id: string, request: HttpRequest): Promise<HttpAnswer> {
  const socket = kept.get(id);
  const began = performance.now();
  const answer = (status: number, headers: Record<string, string>, body: string, error = ""): HttpAnswer => ({
    ...{ status, headers, trailers: {}, body, by: headers["x-by"] ?? "", error },
    ms: performance.now() - began,
  });
  if (!socket || socket.destroyed) return Promise.resolve(answer(0, {}, "", "the connection is closed"));
  const { method, target, authority, headers, body, timeoutMs } = request;
  const fields = Object.entries({ host: authority, "content-length": String(Buffer.byteLength(body)), ...headers });
  return new Promise((resolve) => {
    let text = "";
    const done = (result: HttpAnswer): void => {
      socket.off("data", take).off("close", end);
      clearTimeout(late);
      resolve(result);
    };
    const take = (bytes: Buffer): void => {
      text += bytes.toString("latin1");
      const parsed = parse(text);
      if (parsed) done(answer(...parsed));
    };
    const end = (): void => done(answer(0, {}, text, "cut off"));
    const late = setTimeout(() => done(answer(0, {}, text, `no answer in ${timeoutMs} ms`)), timeoutMs);
    socket.on("data", take).on("close", end);
    socket.write(`${method} ${target} HTTP/1.1\r\n${fields.map(([k, v]) => `${k}: ${v}\r\n`).join("")}\r\n${body}`);
  });
}

export function closeKept(id: string): void {
  kept.get(id)?.destroy();
  kept.delete(id);
}

/** A whole answer, or undefined while there is more to come. */
function parse(text: string): [number, Record<string, string>, string] | undefined {
  const at = text.indexOf("\r\n\r\n");
  if (at < 0) return undefined;
  const [first = "", ...fields] = text.slice(0, at).split("\r\n");
  const headers = Object.fromEntries(
    fields.map((line) => [line.split(":", 1)[0]?.toLowerCase() ?? "", line.slice(line.indexOf(":") + 1).trim()]),
  );
  const body = text.slice(at + 4);
  const status = Number(first.split(" ")[1]);
  if (headers["transfer-encoding"] === "chunked")
    return body.endsWith("0\r\n\r\n")
      ? [status, headers, body.replace(/^[0-9a-f]+\r\n|\r\n0\r\n\r\n$/g, "")]
      : undefined;
  return body.length >= Number(headers["content-length"] ?? 0) ? [status, headers, body] : undefined;
}
