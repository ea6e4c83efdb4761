import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import { addressText, type HostPort } from "@xebec/core-config";
import { type Code, XebecError } from "@xebec/core-errors";
import type { ClientTls } from "./client-tls.ts";
import { framed, MessageReader } from "./framing.ts";
import { codeOf } from "./status.ts";
import { connectSecure } from "./tls-socket.ts";

export interface UnaryCallOptions {
  readonly address: HostPort;
  /** Absent: plaintext. */
  readonly tls?: Pick<ClientTls, "current" | "serverIdentities"> | undefined;
  /** `/package.Service/Method`. */
  readonly path: string;
  /** Request headers; names in lower case. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** For everything from the connection to the status, in milliseconds (10 s). */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Largest answer in bytes (4 MiB). */
  readonly maxMessageBytes?: number;
}

/** HTTP statuses of what is not a gRPC server (grpc.io, "HTTP to gRPC Status Code Mapping"); all others are `unknown`. */
const HTTP_CODES: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  502: 14,
  503: 14,
  504: 14,
};

/**
 * One call with one request and one answer on a connection of its own, which is closed after it. For processes that call seldom:
 * a channel of grpc-js costs each of them some 6 MiB for good.
 * @param request the encoded message
 * @returns the encoded answer
 * @throws XebecError with the server's code and text, or unavailable, deadline_exceeded, cancelled, internal
 */
export async function callUnary(request: Uint8Array, options: UnaryCallOptions): Promise<Buffer> {
  const { address, path, metadata = {}, timeoutMs = 10_000, signal, maxMessageBytes = 4 << 20 } = options;
  const server = addressText(address);
  if (signal?.aborted) throw new XebecError("cancelled", `${path} at ${server} was given up`);
  const session = open(options);
  const cut = Promise.withResolvers<never>();
  // The first outcome decides; what comes later, also from a session that is over, is not waited for.
  cut.promise.catch(() => undefined);
  const fail = (code: Code, text: string, cause?: unknown): void =>
    cut.reject(new XebecError(code, text, cause === undefined ? {} : { cause }));
  session.on("error", (error: Error) => fail("unavailable", `${server} does not answer: ${error.message}`, error));
  session.once("close", () => fail("unavailable", `${server} has closed the connection`));
  const cancel = (): void => fail("cancelled", `${path} at ${server} was given up`);
  signal?.addEventListener("abort", cancel, { once: true });
  const late = setTimeout(
    () => fail("deadline_exceeded", `${path} at ${server} took longer than ${timeoutMs} ms`),
    timeoutMs,
  );
  try {
    const stream = session.request({
      ...{ ":method": "POST", ":path": path, te: "trailers", "content-type": "application/grpc" },
      ...{ "grpc-timeout": `${timeoutMs}m`, "grpc-accept-encoding": "identity", ...metadata },
    });
    const answer = responseOf(stream, maxMessageBytes, `${path} at ${server}`);
    stream.end(framed(request));
    return await Promise.race([answer, cut.promise]);
  } finally {
    clearTimeout(late);
    signal?.removeEventListener("abort", cancel);
    session.destroy();
  }
}

function open({ address: { host, port }, tls }: UnaryCallOptions): ClientHttp2Session {
  const authority = addressText({ host, port });
  if (!tls) return connect(`http://${authority}`);
  return connect(`https://${authority}`, { createConnection: () => connectSecure({ host, port }, tls) });
}

/** Reads the one message and the status. */
function responseOf(stream: ClientHttp2Stream, limit: number, where: string): Promise<Buffer> {
  const reader = new MessageReader(limit);
  const messages: Buffer[] = [];
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  return new Promise((resolve, reject) => {
    const refuse = (error: unknown): void => {
      reject(error);
      stream.close(constants.NGHTTP2_CANCEL);
    };
    stream.on("response", (got) => {
      headers = got;
    });
    stream.on("trailers", (got) => {
      trailers = got;
    });
    stream.on("data", (bytes: Buffer) => {
      try {
        reader.add(bytes);
        for (let each = reader.next(); each !== undefined; each = reader.next()) {
          if (reader.compressed) throw new XebecError("internal", `${where} answered compressed, unasked`);
          messages.push(Buffer.from(each));
        }
      } catch (error) {
        refuse(error);
      }
    });
    stream.on("error", (cause) =>
      reject(new XebecError("unavailable", `${where} was cut off: ${cause.message}`, { cause })),
    );
    stream.on("close", () => {
      // Without a message the status stands in the headers.
      const last = trailers["grpc-status"] === undefined ? headers : trailers;
      const [message, ...more] = messages;
      const error = errorOf(last, Number(headers[":status"] ?? 0), where);
      if (error) reject(error);
      else if (message !== undefined && more.length === 0 && !reader.unfinished) resolve(message);
      else reject(new XebecError("internal", `${where} answered with ${messages.length} messages instead of one`));
    });
  });
}

/** @returns undefined for status OK */
function errorOf(headers: IncomingHttpHeaders, httpStatus: number, where: string): XebecError | undefined {
  const status = headers["grpc-status"];
  if (status === "0") return undefined;
  if (typeof status === "string" && /^\d+$/.test(status)) {
    const text = decodeText(String(headers["grpc-message"] ?? ""));
    return new XebecError(codeOf(Number(status)), text || `the answer has status ${status}`, { detail: where });
  }
  if (httpStatus === 0) return new XebecError("unavailable", `${where} was cut off`);
  const code = httpStatus === 200 ? 13 : (HTTP_CODES[httpStatus] ?? 2);
  return new XebecError(codeOf(code), `${where} answered without a gRPC status (HTTP status ${httpStatus})`);
}

/** Undoes percent-encoding; what is badly encoded stays as it is (PROTOCOL-HTTP2, "Status-Message"). */
function decodeText(text: string): string {
  return Buffer.from(
    text.replace(/%([0-9A-Fa-f]{2})/g, (_whole, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1",
  ).toString();
}
