import type { DescMessage, DescMethod, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { XebecError } from "@xebec/core-errors";
import type { CallContext } from "./call-context.ts";
import { decodeMessage, encodeMessage, typedStream } from "./message-codec.ts";
import { type GrpcMethod, type GrpcService, type RawStreamHandler, rawServerStream } from "./method.ts";
import type { RawStream } from "./raw-stream.ts";

/** An answer: a message, its fields, or its bytes when they were made before. */
export type ResponseMessage<O extends DescMessage> = MessageShape<O> | MessageInitShape<O> | Uint8Array;

/** A RawStream that speaks messages. */
export interface MessageStream<I extends DescMessage, O extends DescMessage>
  extends Omit<RawStream, "write" | "onMessage"> {
  /** @returns false when the queue is full, see RawStream.write */
  write(message: ResponseMessage<O>): boolean;
  onMessage(handler: (message: MessageShape<I>) => void): void;
}

type HandlerOf<M extends DescMethod> = M extends { readonly methodKind: infer K; input: infer I; output: infer O }
  ? I extends DescMessage
    ? O extends DescMessage
      ? K extends "unary"
        ? (request: MessageShape<I>, call: CallContext) => ResponseMessage<O> | Promise<ResponseMessage<O>>
        : K extends "server_streaming"
          ? (request: MessageShape<I>, stream: MessageStream<I, O>, call: CallContext) => void
          : (stream: MessageStream<I, O>, call: CallContext) => void
      : never
    : never
  : never;

/** The handlers of a service, by the method's name in lower camel case. A method without one answers `unimplemented`. */
export type ServiceHandlers<S extends DescService> = { readonly [K in keyof S["method"]]?: HandlerOf<S["method"][K]> };

/**
 * Offers a generated service through handlers that take and give messages.
 * @param most bytes of a request; a service whose requests are small need not read large ones
 */
export function service<S extends DescService>(
  descriptor: S,
  handlers: ServiceHandlers<S>,
  most: number = Number.POSITIVE_INFINITY,
): GrpcService {
  const methods = descriptor.methods.flatMap((method): readonly GrpcMethod[] => {
    const handler = (handlers as Readonly<Record<string, AnyHandler | undefined>>)[method.localName];
    return handler ? methodOf(descriptor, method, handler, most) : [];
  });
  return { methods, files: [descriptor.file] };
}

// What the typed handlers look like once their message types are forgotten.
type AnyHandler = (first: unknown, second: unknown, third?: unknown) => unknown;

function methodOf(
  descriptor: DescService,
  method: DescMethod,
  handler: AnyHandler,
  most: number,
): readonly GrpcMethod[] {
  const path = `/${descriptor.typeName}/${method.name}`;
  const { input, output } = method;
  if (method.methodKind === "unary")
    return [
      {
        kind: "unary",
        path,
        handler(bytes, call) {
          const answer = handler(decode(input, bytes, most), call) as
            | ResponseMessage<DescMessage>
            | Promise<ResponseMessage<DescMessage>>;
          return answer instanceof Promise
            ? answer.then((value) => encodeMessage(output, value))
            : encodeMessage(output, answer);
        },
      },
    ];
  if (method.methodKind === "server_streaming")
    return rawServerStream(path, (bytes, stream, call) => {
      handler(decode(input, bytes, most), messageStream(stream, input, output, most), call);
    }).methods;
  const streaming: RawStreamHandler = (stream, call) => {
    handler(messageStream(stream, input, output, most), call);
  };
  return [{ kind: "stream", path, handler: streaming }];
}

function decode<I extends DescMessage>(schema: I, bytes: Uint8Array, most: number): MessageShape<I> {
  if (bytes.length > most)
    throw new XebecError("resource_exhausted", `a request of this service may have ${most} bytes, not ${bytes.length}`);
  return decodeMessage(schema, bytes, "the request", "invalid_argument");
}

function messageStream(
  raw: RawStream,
  input: DescMessage,
  output: DescMessage,
  most: number,
): MessageStream<DescMessage, DescMessage> {
  // Not spread: its getters have to stay what they are.
  return Object.assign(
    typedStream(raw, output, (bytes) => decode(input, bytes, most)),
    {
      onEnd: (handler: () => void) => raw.onEnd(handler),
      onClose: (handler: () => void) => raw.onClose(handler),
      fail: (error: unknown) => raw.fail(error),
      abort: () => raw.abort(),
      compress: (on: boolean) => raw.compress(on),
    },
  );
}
