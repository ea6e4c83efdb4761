import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type Code, XebecError } from "@xebec/core-errors";

/** Encodes a message, or its fields; bytes that were made before pass through. */
export function encodeMessage<D extends DescMessage>(
  schema: D,
  message: MessageShape<D> | MessageInitShape<D> | Uint8Array,
): Uint8Array {
  return message instanceof Uint8Array ? message : toBinary(schema, create(schema, message));
}

/**
 * @param what the bytes are, for the error: `the request`
 * @param code of the error: it says who sent what cannot be decoded
 * @throws XebecError with that code when the bytes are no message of the schema
 */
export function decodeMessage<D extends DescMessage>(
  schema: D,
  bytes: Uint8Array,
  what: string,
  code: Code,
): MessageShape<D> {
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    throw new XebecError(code, `${what} is not a valid ${schema.typeName}`, { cause: error });
  }
}

/** What the two sides' streams of bytes have in common; see RawStream. */
interface ByteStream {
  readonly queuedBytes: number;
  readonly closed: boolean;
  write(bytes: Uint8Array): boolean;
  onMessage(handler: (bytes: Buffer) => void): void;
  onDrain(handler: () => void): void;
  pause(): void;
  resume(): void;
  end(): void;
}

/**
 * The part of a stream of messages that is the same on both sides.
 * @param out the messages that are written
 * @param read decodes the messages that come
 */
export function typedStream<O extends DescMessage, M>(raw: ByteStream, out: O, read: (bytes: Uint8Array) => M) {
  return {
    get queuedBytes() {
      return raw.queuedBytes;
    },
    get closed() {
      return raw.closed;
    },
    write: (message: MessageShape<O> | MessageInitShape<O> | Uint8Array) => raw.write(encodeMessage(out, message)),
    onMessage: (handler: (message: M) => void) => raw.onMessage((bytes) => handler(read(bytes))),
    onDrain: (handler: () => void) => raw.onDrain(handler),
    pause: () => raw.pause(),
    resume: () => raw.resume(),
    end: () => raw.end(),
  };
}
