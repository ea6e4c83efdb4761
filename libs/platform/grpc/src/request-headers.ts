import type { IncomingHttpHeaders } from "node:http2";
import { ACCEPTED_ENCODINGS, type Encoding, encodingOf } from "./compression.ts";
import { ProtocolError } from "./protocol-error.ts";

/** What a call's headers say, besides its metadata. */
export interface RequestHeaders {
  readonly encoding: Encoding;
  /** How long the caller waits, in milliseconds; absent when it set no deadline. */
  readonly timeoutMs: number | undefined;
}

const CONTENT_TYPE = "application/grpc";
// `+proto` names the message format, `;` begins parameters; `application/grpc-web` is another protocol.
const CONTENT_TYPE_END = new Set([undefined, "+", ";"]);
const TIMEOUT = /^(\d{1,8})([HMSmun])$/;
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/**
 * Says with which HTTP status a request is refused that is not a gRPC call at all.
 * `te: trailers` is not demanded: the callers that leave it out can read trailers all the same.
 * @returns undefined when it is one
 */
export function refusalOf(headers: IncomingHttpHeaders): 405 | 415 | undefined {
  if (headers[":method"] !== "POST") return 405;
  const type = headers["content-type"];
  if (type === CONTENT_TYPE) return undefined;
  return type?.startsWith(CONTENT_TYPE) && CONTENT_TYPE_END.has(type[CONTENT_TYPE.length]) ? undefined : 415;
}

/** @throws ProtocolError unimplemented for an encoding that is not known, invalid_argument for a timeout that is none */
export function readHeaders(headers: IncomingHttpHeaders): RequestHeaders {
  const encodingHeader = headers["grpc-encoding"];
  const encoding = encodingOf(encodingHeader?.toString());
  if (encoding === undefined)
    throw new ProtocolError(
      "unimplemented",
      `the grpc-encoding ${encodingHeader} is not known here; use one of ${ACCEPTED_ENCODINGS}`,
    );
  const timeout = headers["grpc-timeout"];
  return { encoding, timeoutMs: timeout === undefined ? undefined : timeoutOf(timeout.toString()) };
}

function timeoutOf(text: string): number {
  const [, digits, unit] = TIMEOUT.exec(text) ?? [];
  if (digits === undefined || unit === undefined)
    throw new ProtocolError(
      "invalid_argument",
      `grpc-timeout: "${text.slice(0, 20)}" is not a time; write up to eight digits and a unit, as in 500m`,
    );
  const count = Number(digits);
  if (count === 0)
    throw new ProtocolError("invalid_argument", `grpc-timeout: ${text} is no time to answer in; write 1 and more`);
  return count * (UNIT_MS[unit] as number);
}
