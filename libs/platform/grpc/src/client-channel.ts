import { isIP } from "node:net";
import {
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type MetadataValue,
} from "@grpc/grpc-js";
import { addressText, type HostPort } from "@xebec/core-config";
import { asBuffer } from "./bytes.ts";
import { ClientRawStream } from "./client-stream.ts";
import { type ClientTls, clientCredentials } from "./client-tls.ts";
import { fromServiceError } from "./status.ts";

export interface ChannelTarget {
  /** `{host, port}`, `"host:port"`, `{path}` or `"unix:/path"`. */
  readonly address: HostPort | { readonly path: string } | string;
  /** Absent: plaintext. */
  readonly tls?: ClientTls | undefined;
  /** Largest message received, in bytes (64 MiB). */
  readonly maxMessageBytes?: number;
  /** Longest pause between two attempts to connect, in milliseconds (2 s). */
  readonly maxReconnectMs?: number;
}

export interface CallOptions {
  /** How long to wait, in milliseconds. Unary calls: 10 s by default; streams: no limit by default. */
  readonly timeoutMs?: number;
  /** Request headers; names in lower case. */
  readonly metadata?: Readonly<Record<string, MetadataValue>>;
  readonly signal?: AbortSignal;
  /** Wait for a connection instead of failing at once while the server is away (false). */
  readonly waitForReady?: boolean;
}

/** A connection to one server that is made when needed and again when lost. Calls take and give encoded messages. */
export interface GrpcChannel {
  /** @throws XebecError with the server's code and text, or unavailable, deadline_exceeded, cancelled */
  unary(path: string, request: Uint8Array, options?: CallOptions): Promise<Buffer>;
  /** Opens a stream in each direction. */
  duplex(path: string, options?: CallOptions): ClientRawStream;
  close(): void;
}

const UNARY_TIMEOUT_MS = 10_000;
const identity = (bytes: Buffer): Buffer => bytes;

/** Makes a channel; nothing is connected before the first call. */
export function createGrpcChannel({
  address,
  tls,
  maxMessageBytes = 64 << 20,
  maxReconnectMs = 2_000,
}: ChannelTarget): GrpcChannel {
  const target = targetText(address);
  const host = hostOf(target);
  const options: ChannelOptions = {
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": -1,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": maxReconnectMs,
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 10_000,
    "grpc.use_local_subchannel_pool": 1,
    // A proxy in the environment is meant for the workloads of the mesh, not for its control plane.
    "grpc.enable_http_proxy": 0,
    "grpc.service_config_disable_resolution": 1,
    "grpc.enable_channelz": 0,
    "grpc.enable_retries": 0,
    // An IP address is not a server name in TLS (RFC 6066, section 3); the certificate is checked against the address nevertheless.
    ...(tls && isIP(host) ? { "grpc.ssl_target_name_override": "localhost" } : {}),
  };
  const client = new Client(target, tls ? clientCredentials(tls, host) : credentials.createInsecure(), options);
  return {
    unary(path, request, callOptions = {}) {
      return new Promise((resolve, reject) => {
        const { signal, timeoutMs = UNARY_TIMEOUT_MS } = callOptions;
        const call = client.makeUnaryRequest(
          path,
          identity,
          identity,
          asBuffer(request),
          metadataOf(callOptions),
          { deadline: Date.now() + timeoutMs },
          (error, bytes) => {
            signal?.removeEventListener("abort", cancel);
            if (error) reject(fromServiceError(error, target, path));
            else resolve(bytes as Buffer);
          },
        );
        const cancel = (): void => call.cancel();
        signal?.addEventListener("abort", cancel, { once: true });
        if (signal?.aborted) cancel();
      });
    },
    duplex(path, callOptions = {}) {
      const { signal, timeoutMs } = callOptions;
      const call: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(
        path,
        identity,
        identity,
        metadataOf(callOptions),
        timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs },
      );
      return new ClientRawStream(call, (error) => fromServiceError(error, target, path), signal);
    },
    close: () => client.close(),
  };
}

function targetText(address: ChannelTarget["address"]): string {
  if (typeof address === "string") return address;
  return "path" in address ? `unix:${address.path}` : addressText(address);
}

/** The host that was dialled, without brackets and port. */
function hostOf(target: string): string {
  return target
    .replace(/^dns:(\/\/)?\/?/, "")
    .replace(/:\d+$/, "")
    .replace(/^\[|\]$/g, "");
}

function metadataOf({ metadata = {}, waitForReady = false }: CallOptions): Metadata {
  const result = new Metadata({ waitForReady });
  for (const [name, value] of Object.entries(metadata)) result.set(name, value);
  return result;
}
