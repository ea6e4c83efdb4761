import type { ServiceError } from "@grpc/grpc-js";
import { CODES, type Code, grpcStatus, XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { ProtocolError } from "./protocol-error.ts";

const log = logger("grpc");

/** Longest text of a status in UTF-16 units: it travels in a header, percent-encoded. */
const LONGEST_TEXT = 2_000;

const codesByNumber = new Map<number, Code>(
  Object.entries(CODES).map(([code, [number]]) => [number, code as Code] as const),
);

/** The status of a call that failed, as it travels. */
export interface ErrorStatus {
  /** gRPC's number. */
  readonly code: number;
  /** Public text, well-formed UTF-16. */
  readonly details: string;
}

/**
 * Translates anything thrown to a gRPC status: the public text of a XebecError travels, everything else stays in the log.
 * @param where the method, for the log
 */
export function toStatus(thrown: unknown, where: string): ErrorStatus {
  const error = XebecError.from(thrown);
  const ours = error.code === "internal" || error.code === "data_loss" || error.code === "unknown";
  if (ours && !(error instanceof ProtocolError)) log.error({ err: error, method: where }, "a call failed");
  else log.debug({ err: error, method: where }, "a call was refused");
  // The text is percent-encoded on its way, which half a surrogate pair would break.
  const details = error.message.slice(0, LONGEST_TEXT).toWellFormed();
  return { code: grpcStatus(error.code), details };
}

/** The code of a gRPC status number; `unknown` for numbers that gRPC does not define. */
export function codeOf(status: number): Code {
  return codesByNumber.get(status) ?? "unknown";
}

/** Translates the failure of a call that we made. The server's text becomes the public text. */
export function fromServiceError(error: unknown, target: string, path: string): XebecError {
  const { code, details, message } = error as Partial<ServiceError>;
  if (typeof code !== "number") return XebecError.from(error);
  return new XebecError(codeOf(code), details || message || `${target} answered with status ${code}`, {
    detail: `${path} at ${target}`,
    cause: error,
  });
}
