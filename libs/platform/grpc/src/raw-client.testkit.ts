import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";
import { createMetrics } from "@xebec/core-metrics";
import { framed, MessageReader } from "./framing.ts";
import { createGrpcServer, type GrpcServer, type GrpcServerOptions } from "./index.ts";

/** What came back on one stream. */
export interface RawResponse {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly messages: readonly Buffer[];
  /** From the trailers, or from the headers when there was nothing else. */
  readonly grpcStatus: string | undefined;
  readonly grpcMessage: string | undefined;
  readonly resetCode: number;
}

/** Runs `work` against a server on a free port and an HTTP/2 session to it, and closes both. */
export async function withRawSession(
  options: Partial<GrpcServerOptions>,
  work: (session: ClientHttp2Session, server: GrpcServer) => Promise<void>,
): Promise<void> {
  const address = { host: "127.0.0.1", port: 0 };
  const server = createGrpcServer({ name: "raw test", address, services: [], metrics: createMetrics(), ...options });
  await server.start(new AbortController().signal);
  const session = connect(`http://127.0.0.1:${server.port}`);
  session.on("error", () => {});
  try {
    await work(session, server);
  } finally {
    session.destroy();
    await server.close?.();
  }
}

/** Opens a call. @param headers added to, or put in place of, those of an ordinary call; undefined leaves one out */
export function open(session: ClientHttp2Session, path: string, headers: OutgoingHttpHeaders = {}): ClientHttp2Stream {
  const all = {
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  };
  const stream = session.request(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));
  stream.on("error", () => {});
  return stream;
}

/** Collects a stream to its end. */
export async function responseOf(stream: ClientHttp2Stream): Promise<RawResponse> {
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  const messages: Buffer[] = [];
  const reader = new MessageReader(64 << 20);
  stream.on("response", (got) => {
    headers = got;
  });
  stream.on("trailers", (got) => {
    trailers = got;
  });
  stream.on("data", (chunk: Buffer) => {
    reader.add(chunk);
    for (let each = reader.next(); each !== undefined; each = reader.next()) messages.push(each);
  });
  if (!stream.destroyed) await new Promise((resolve) => stream.once("close", resolve));
  const last = trailers["grpc-status"] === undefined ? headers : trailers;
  return {
    headers,
    trailers,
    messages,
    grpcStatus: last["grpc-status"]?.toString(),
    grpcMessage: last["grpc-message"]?.toString(),
    resetCode: stream.rstCode,
  };
}

/** One whole call with one message. */
export async function ask(
  session: ClientHttp2Session,
  path: string,
  message: Uint8Array = new Uint8Array(),
  headers: OutgoingHttpHeaders = {},
): Promise<RawResponse> {
  const stream = open(session, path, headers);
  const answer = responseOf(stream);
  stream.end(framed(message));
  return answer;
}

/** A message that is marked as compressed. */
export function compressedFrame(bytes: Uint8Array): Buffer {
  const out = framed(bytes);
  out[0] = 1;
  return out;
}
