/** What a server allows before it trusts a caller. */
export interface GrpcLimits {
  /** Largest message received, in bytes, also after decompression (4 MiB). */
  readonly maxMessageBytes?: number;
  /** Fields of a message at its top, before it is decoded: small ones cost far more than their bytes (no limit). */
  readonly maxFields?: number;
  /** What one connection may have kept of messages that are unfinished or not answered yet, in bytes (16 MiB). */
  readonly maxHeldBytesPerConnection?: number;
  /** The same for all connections of the server together (256 MiB). */
  readonly maxHeldBytes?: number;
  /** Largest sum of the request headers, in bytes (16 KiB). */
  readonly maxHeaderBytes?: number;
  /** Streams that one connection may hold at a time (1,024). */
  readonly maxStreamsPerConnection?: number;
  /** Connections at a time; one without a stream makes room for a further one (10,000). */
  readonly maxConnections?: number;
  /** The same for those of one address (5,000). */
  readonly maxConnectionsPerAddress?: number;
  /** How long a call with one request may take from its first byte to its answer, in milliseconds (60 s). */
  readonly maxCallMs?: number;
  /** How long a TLS handshake may take, in milliseconds (10 s). */
  readonly handshakeMs?: number;
  /** A connection without any stream for this long is closed, in milliseconds (30 min). */
  readonly idleMs?: number;
  /** A connection older than this, give or take a tenth, is closed: its streams end with status OK, so that clients that come
   * back spread over all copies of a service (never). */
  readonly maxConnectionAgeMs?: number;
  /** A silent connection is asked for a sign of life after this long, in milliseconds (30 s). */
  readonly keepaliveMs?: number;
  /** How long `close` waits for calls that are in flight, in milliseconds (2 s). */
  readonly drainMs?: number;
}

export const DEFAULT_LIMITS: Required<GrpcLimits> = {
  maxMessageBytes: 4 << 20,
  maxFields: Number.POSITIVE_INFINITY,
  maxHeldBytesPerConnection: 16 << 20,
  maxHeldBytes: 256 << 20,
  maxHeaderBytes: 16 << 10,
  maxStreamsPerConnection: 1_024,
  maxConnections: 10_000,
  maxConnectionsPerAddress: 5_000,
  maxCallMs: 60_000,
  handshakeMs: 10_000,
  idleMs: 30 * 60_000,
  maxConnectionAgeMs: Number.POSITIVE_INFINITY,
  keepaliveMs: 30_000,
  drainMs: 2_000,
};
