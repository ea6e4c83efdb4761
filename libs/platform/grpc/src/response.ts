import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { ACCEPTED_ENCODINGS, compress } from "./compression.ts";
import { endWithMessage } from "./framing.ts";
import type { ErrorStatus } from "./status.ts";

/** Name, value, name, value: the form that node copies least. It must not change. */
const HEAD: readonly string[] = [":status", "200", "content-type", "application/grpc"];
const GZIP_HEAD: readonly string[] = [...HEAD, "grpc-encoding", "gzip"];
/** With an error the caller also learns how it may compress (PROTOCOL-HTTP2, "Response-Headers"). */
const ERROR_HEAD: OutgoingHttpHeaders = {
  ":status": 200,
  "content-type": "application/grpc",
  "grpc-accept-encoding": ACCEPTED_ENCODINGS,
};
const WITH_TRAILERS = { waitForTrailers: true, sendDate: false };
const WITHOUT_BODY = { endStream: true, sendDate: false };
const OK = { "grpc-status": "0" };

/** Metadata for the caller: names in lower case, values of names that end with `-bin` in base64. */
export interface ResponseMetadata {
  /** Before the first message. */
  readonly initial?: Readonly<Record<string, string>>;
  /** With the status. */
  readonly trailing?: Readonly<Record<string, string>>;
}
const NO_METADATA: ResponseMetadata = {};

/** A status for the caller; no text is sent with OK. */
export type Outcome = Pick<ErrorStatus, "code" | "details">;

function sendOk(this: ServerHttp2Stream): void {
  this.sendTrailers(OK);
}

/** Sends the one answer of a unary call, and status OK. @param gzip whether it is to be compressed */
export function respondOnce(
  stream: ServerHttp2Stream,
  message: Uint8Array,
  gzip = false,
  metadata = NO_METADATA,
): void {
  if (stream.destroyed || stream.closed) return;
  const packed = gzip ? compress(message) : undefined;
  stream.respond(headOf(packed !== undefined, metadata), WITH_TRAILERS);
  const { trailing } = metadata;
  stream.on("wantTrailers", trailing ? () => stream.sendTrailers({ ...trailing, ...OK }) : sendOk);
  endWithMessage(stream, packed ?? message, packed !== undefined);
}

/** Begins an answer of many messages. @param gzip whether some of them may be compressed */
export function beginResponse(stream: ServerHttp2Stream, gzip = false, metadata = NO_METADATA): void {
  stream.respond(headOf(gzip, metadata), WITH_TRAILERS);
}

function headOf(gzip: boolean, { initial }: ResponseMetadata): readonly string[] {
  const head = gzip ? GZIP_HEAD : HEAD;
  return initial ? [...head, ...Object.entries(initial).flat()] : head;
}

/** Ends a call after what was written. Without anything written, one header frame carries the status. */
export function endResponse(stream: ServerHttp2Stream, outcome: Outcome, metadata = NO_METADATA): void {
  if (stream.destroyed || stream.closed) return;
  const trailers = { ...metadata.trailing, ...trailersOf(outcome) };
  if (!stream.headersSent) {
    stream.respond({ ...ERROR_HEAD, ...metadata.initial, ...trailers }, WITHOUT_BODY);
    stopReading(stream);
    return;
  }
  stream.on("wantTrailers", () => {
    stream.sendTrailers(trailers);
    stopReading(stream);
  });
  stream.end();
}

/** Refuses what is not a gRPC call. */
export function refuse(stream: ServerHttp2Stream, httpStatus: number): void {
  if (stream.destroyed || stream.closed) return;
  stream.respond({ ":status": httpStatus }, WITHOUT_BODY);
  stopReading(stream);
}

// A caller that has its status need not finish what it was sending (RFC 9113 section 8.1). Node sends trailers from
// setImmediate; the reset has to follow them.
function stopReading(stream: ServerHttp2Stream): void {
  stream.resume();
  if (stream.readableEnded) return;
  setImmediate(() => {
    if (!stream.readableEnded && !stream.destroyed) stream.close(constants.NGHTTP2_NO_ERROR);
  });
}

function trailersOf({ code, details }: Outcome): Record<string, string> {
  return code === 0 || details === ""
    ? { "grpc-status": String(code) }
    : { "grpc-status": String(code), "grpc-message": percentEncoded(details) };
}

/** Printable ASCII but for `%` travels as it is, all else as percent-encoded UTF-8. @param text well-formed UTF-16 */
export function percentEncoded(text: string): string {
  return text.replace(/[^ -$&-~]+/gu, encodeURIComponent);
}
