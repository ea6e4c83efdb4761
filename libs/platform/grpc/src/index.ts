// For services: servers, handlers and clients.
export type { CallContext } from "./call-context.ts";
export {
  type ClientMessageStream,
  clientOf,
  createGrpcClient,
  type GrpcClient,
  type GrpcClientOptions,
} from "./client.ts";
export { type CallOptions, type ChannelTarget, createGrpcChannel, type GrpcChannel } from "./client-channel.ts";
export type { ClientRawStream } from "./client-stream.ts";
export type { ClientTls } from "./client-tls.ts";
export { grpcHealth } from "./health.ts";
// For other platform libraries.
export { spiffeIdentity, urisOf } from "./identity.ts";
export { DEFAULT_LIMITS, type GrpcLimits } from "./limits.ts";
export { type ListenAddress, listenExactly, listenText } from "./listen.ts";
export {
  type DescriptorFiles,
  describedBy,
  type GrpcMethod,
  type GrpcService,
  joinServices,
  type RawStreamHandler,
  type RawUnaryHandler,
  rawClientStream,
  rawDuplex,
  rawServerStream,
  rawUnary,
} from "./method.ts";
export type { RawStream } from "./raw-stream.ts";
export { createGrpcServer, type GrpcServer, type GrpcServerOptions } from "./server.ts";
export { type MessageStream, type ResponseMessage, type ServiceHandlers, service } from "./service.ts";
export { codeOf, fromServiceError, toStatus } from "./status.ts";
export { connectSecure } from "./tls-socket.ts";
export {
  type ClientCertificate,
  createTlsSource,
  type RotatingTls,
  refusing,
  type TlsMaterial,
  type TlsSource,
} from "./tls-source.ts";
export { callUnary, type UnaryCallOptions } from "./unary-client.ts";
