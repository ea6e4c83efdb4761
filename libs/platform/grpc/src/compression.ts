import { gunzip, gzipSync, inflate } from "node:zlib";
import { ProtocolError } from "./protocol-error.ts";

/**
 * Larger answers go as they are: compressing, on the main thread so that messages keep their order, takes up to some 10 ms for this
 * much. In bytes.
 */
const MOST_COMPRESSED = 1 << 20;

/** What a caller may compress its messages with. */
export type Encoding = "identity" | "gzip" | "deflate";

/** As `grpc-accept-encoding` says it. */
export const ACCEPTED_ENCODINGS = "identity,deflate,gzip";

/** @returns undefined when the encoding is not one that is known here */
export function encodingOf(header: string | undefined): Encoding | undefined {
  if (header === undefined || header === "identity") return "identity";
  return header === "gzip" || header === "deflate" ? header : undefined;
}

/** Says whether a caller reads gzip. @param header `grpc-accept-encoding` */
export function acceptsGzip(header: string | undefined): boolean {
  return header?.split(",").some((each) => each.trim() === "gzip") === true;
}

/** @returns undefined for a message that is better sent as it is */
export function compress(bytes: Uint8Array): Buffer | undefined {
  return bytes.byteLength > 0 && bytes.byteLength <= MOST_COMPRESSED ? gzipSync(bytes, { level: 1 }) : undefined;
}

/**
 * Decompresses a message, beside the main thread; it stops at the limit.
 * @param done called with the message, or with resource_exhausted or internal
 */
export function decompress(
  encoding: Encoding,
  bytes: Buffer,
  limit: number,
  done: (result: Buffer | ProtocolError) => void,
): void {
  if (encoding === "identity") {
    done(new ProtocolError("internal", "a message is marked as compressed, but the call names no grpc-encoding"));
    return;
  }
  const run = encoding === "gzip" ? gunzip : inflate;
  run(bytes, { maxOutputLength: limit }, (error, result) => {
    if (!error) done(result);
    else if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE")
      done(
        new ProtocolError("resource_exhausted", `a message is larger than the limit of ${limit} bytes`, {
          cause: error,
        }),
      );
    else done(new ProtocolError("internal", `a message is not valid ${encoding} data`, { cause: error }));
  });
}
