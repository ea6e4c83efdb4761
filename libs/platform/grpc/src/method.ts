import type { DescFile } from "@bufbuild/protobuf";
import type { CallContext } from "./call-context.ts";
import { ProtocolError } from "./protocol-error.ts";
import type { RawStream } from "./raw-stream.ts";

/** Answers one request; both sides are encoded messages. */
export type RawUnaryHandler = (bytes: Buffer, call: CallContext) => Uint8Array | Promise<Uint8Array>;
export type RawStreamHandler = (stream: RawStream, call: CallContext) => void;

export type GrpcMethod =
  | { readonly kind: "unary"; readonly path: string; readonly handler: RawUnaryHandler }
  | { readonly kind: "stream"; readonly path: string; readonly handler: RawStreamHandler };

/** Methods that a server offers. */
export interface GrpcService {
  readonly methods: readonly GrpcMethod[];
  /** The files that describe the methods, for reflection; absent: nothing is known but their names. */
  readonly files?: DescriptorFiles;
}

/** Files of descriptors; those that are large may be loaded when somebody asks. */
export type DescriptorFiles = readonly DescFile[] | (() => Promise<readonly DescFile[]>);

/** A method with one request and one answer. @param path `/package.Service/Method` */
export function rawUnary(path: string, handler: RawUnaryHandler): GrpcService {
  return { methods: [{ kind: "unary", path, handler }] };
}

/** A method with a stream in each direction. The handler sets the stream's handlers and returns. */
export function rawDuplex(path: string, handler: RawStreamHandler): GrpcService {
  return { methods: [{ kind: "stream", path, handler }] };
}

/** A method that takes a stream and answers once: with one `write`, then `end`. */
export function rawClientStream(path: string, handler: RawStreamHandler): GrpcService {
  return rawDuplex(path, handler);
}

/** A method that takes one request and answers with a stream. */
export function rawServerStream(
  path: string,
  handler: (bytes: Buffer, stream: RawStream, call: CallContext) => void,
): GrpcService {
  return rawDuplex(path, (stream, call) => {
    let first: Buffer | undefined;
    stream.onEnd(() => {
      if (first === undefined) stream.fail(new ProtocolError("unimplemented", `${path} takes one message; none came`));
    });
    stream.onMessage((bytes) => {
      if (first !== undefined) return;
      first = bytes;
      handler(bytes, stream, call);
    });
  });
}

/** Several services as one. */
export function joinServices(services: readonly GrpcService[]): GrpcService {
  return { methods: services.flatMap((each) => each.methods), files: () => filesOf(services) };
}

/** The same methods with the files that describe them. */
export function describedBy({ methods }: GrpcService, files: DescriptorFiles): GrpcService {
  return { methods, files };
}

/** The files that describe services. */
export async function filesOf(services: readonly GrpcService[]): Promise<readonly DescFile[]> {
  const found = await Promise.all(services.map(({ files = [] }) => (typeof files === "function" ? files() : files)));
  return found.flat();
}
