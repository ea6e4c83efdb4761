import type { DescMessage, DescMethod, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { XebecError } from "@xebec/core-errors";
import { type CallOptions, type ChannelTarget, createGrpcChannel, type GrpcChannel } from "./client-channel.ts";
import type { ClientRawStream } from "./client-stream.ts";
import { decodeMessage, encodeMessage, typedStream } from "./message-codec.ts";

/** The client's side of a stream of messages; see ClientRawStream. */
export interface ClientMessageStream<I extends DescMessage, O extends DescMessage>
  extends Pick<
    ClientRawStream,
    "queuedBytes" | "closed" | "onDrain" | "onEnd" | "pause" | "resume" | "end" | "cancel"
  > {
  write(message: MessageInitShape<I> | Uint8Array): boolean;
  onMessage(handler: (message: MessageShape<O>) => void): void;
}

type ClientMethod<M extends DescMethod> = M extends { readonly methodKind: infer K; input: infer I; output: infer O }
  ? I extends DescMessage
    ? O extends DescMessage
      ? K extends "unary"
        ? (request: MessageInitShape<I> | Uint8Array, options?: CallOptions) => Promise<MessageShape<O>>
        : K extends "server_streaming"
          ? (request: MessageInitShape<I> | Uint8Array, options?: CallOptions) => ClientMessageStream<I, O>
          : (options?: CallOptions) => ClientMessageStream<I, O>
      : never
    : never
  : never;

/** The methods of a service by their names in lower camel case, and `close`. */
export type GrpcClient<S extends DescService> = { readonly [K in keyof S["method"]]: ClientMethod<S["method"][K]> } & {
  close(): void;
};

export interface GrpcClientOptions<S extends DescService> extends ChannelTarget {
  readonly descriptor: S;
}

/** Makes a client of a generated service with a channel of its own. */
export function createGrpcClient<S extends DescService>({
  descriptor,
  ...target
}: GrpcClientOptions<S>): GrpcClient<S> {
  return clientOf(descriptor, createGrpcChannel(target));
}

/** Makes a client of a generated service on a channel that others may use too. */
export function clientOf<S extends DescService>(descriptor: S, channel: GrpcChannel): GrpcClient<S> {
  const client: Record<string, unknown> = { close: () => channel.close() };
  for (const method of descriptor.methods) client[method.localName] = methodOf(descriptor, method, channel);
  return client as GrpcClient<S>;
}

function methodOf(descriptor: DescService, { input, output, name, methodKind }: DescMethod, channel: GrpcChannel) {
  const path = `/${descriptor.typeName}/${name}`;
  type Request = MessageInitShape<DescMessage> | Uint8Array;
  if (methodKind === "unary")
    return async (request: Request, options?: CallOptions) =>
      decode(output, await channel.unary(path, encodeMessage(input, request), options));
  if (methodKind === "server_streaming")
    return (request: Request, options?: CallOptions) => {
      const stream = messages(channel.duplex(path, options), input, output);
      stream.write(request);
      stream.end();
      return stream;
    };
  return (options?: CallOptions) => messages(channel.duplex(path, options), input, output);
}

function decode<O extends DescMessage>(schema: O, bytes: Uint8Array): MessageShape<O> {
  return decodeMessage(schema, bytes, "the server's answer", "internal");
}

function messages(
  raw: ClientRawStream,
  input: DescMessage,
  output: DescMessage,
): ClientMessageStream<DescMessage, DescMessage> {
  // Not spread: its getters have to stay what they are.
  return Object.assign(
    typedStream(raw, input, (bytes) => decode(output, bytes)),
    {
      onEnd: (handler: (error: XebecError | undefined) => void) => raw.onEnd(handler),
      cancel: () => raw.cancel(),
    },
  );
}
