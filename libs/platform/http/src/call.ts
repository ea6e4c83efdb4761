import { type IncomingMessage, type RequestOptions, request } from "node:http";
import { request as secureRequest } from "node:https";
import { connect } from "node:net";
import { XebecError } from "@xebec/core-errors";

/** Where to call: an address, or a Unix socket. */
export type HttpTarget = { readonly host: string; readonly port: number } | { readonly socketPath: string };

export interface HttpCallOptions {
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Absent: in plain text. */
  readonly tls?: {
    /** Whom to trust, PEM. */
    readonly ca: string | Buffer;
    /** The name in the server's certificate. */
    readonly servername: string;
  };
  /** For everything from the connection to the last byte, in milliseconds (2 s). */
  readonly timeoutMs?: number;
  /** Largest answer in bytes (64 MiB). */
  readonly maxBytes?: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
  readonly contentType: string;
}

/**
 * One HTTP call on a connection of its own. It never goes through a proxy that the environment names, since within the mesh
 * that proxy is our own.
 * @returns the answer, whatever its status
 * @throws XebecError unavailable; its cause is what the socket said, or that the answer was late or too large
 */
export function httpCall(target: HttpTarget, path: string, options: HttpCallOptions = {}): Promise<HttpAnswer> {
  const { maxBytes = 64 << 20 } = options;
  return call(target, path, options, (response, done, fail) => {
    const parts: Buffer[] = [];
    let size = 0;
    response.on("data", (part: Buffer) => {
      size += part.length;
      if (size > maxBytes) fail(new Error(`the answer is larger than ${maxBytes} bytes`));
      else parts.push(part);
    });
    response.on("end", () =>
      done({
        status: response.statusCode ?? 0,
        body: Buffer.concat(parts).toString(),
        contentType: response.headers["content-type"] ?? "",
      }),
    );
  });
}

/**
 * Asks for the status only, as probes do: the body, of any length, is passed over.
 * @throws XebecError unavailable
 */
export function httpStatus(target: HttpTarget, path: string, options: HttpCallOptions = {}): Promise<number> {
  return call(target, path, options, (response, done) => {
    response.resume();
    done(response.statusCode ?? 0);
  });
}

/** Says whether a TCP connection is accepted. @param timeoutMs in milliseconds */
export function accepts(host: string, port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const done = (result: boolean) => (): void => {
      socket.destroy();
      resolve(result);
    };
    socket.on("connect", done(true)).on("timeout", done(false)).on("error", done(false));
  });
}

function call<T>(
  target: HttpTarget,
  path: string,
  { method = "GET", headers = {}, body, tls, timeoutMs = 2_000 }: HttpCallOptions,
  read: (response: IncomingMessage, done: (result: T) => void, fail: (cause: Error) => void) => void,
): Promise<T> {
  const where = "socketPath" in target ? target.socketPath : `${target.host}:${target.port}`;
  const url = `${tls ? "https" : "http"}://${where}${path}`;
  return new Promise((resolve, reject) => {
    const options: RequestOptions = { ...target, path, method, headers, agent: false };
    const sent = tls ? secureRequest({ ...options, ...tls }) : request(options);
    const fail = (cause: Error): void => {
      reject(new XebecError("unavailable", `${url} does not answer`, { cause }));
      sent.destroy();
    };
    const late = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    sent.on("response", (response) => {
      response.on("error", fail);
      read(response, resolve, fail);
    });
    sent.on("close", () => clearTimeout(late));
    sent.on("error", fail);
    sent.end(body);
  });
}
