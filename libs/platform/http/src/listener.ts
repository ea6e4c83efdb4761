import { createServer, type Server, type ServerOptions } from "node:http";
import { createServer as createSecureServer, type Server as SecureServer } from "node:https";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { describeCertificate } from "@xebec/platform-grpc/identity";
import { type ListenAddress, listenExactly } from "@xebec/platform-grpc/listen";
import type { TlsSource } from "@xebec/platform-grpc/tls-source";
import { limitConnections } from "./connection-limits.ts";

/** What a server allows before it trusts a caller. */
export interface HttpLimits {
  /** Largest request body in bytes (4 MiB). */
  readonly maxBodyBytes?: number;
  /** Largest request head in bytes (16 KiB). */
  readonly maxHeaderBytes?: number;
  /** Connections at a time; an idle one makes room for a further one (1,000). */
  readonly maxConnections?: number;
  /** The same for those of one address (half of `maxConnections`). */
  readonly maxConnectionsPerAddress?: number;
  /** How long the head of a request may take, in milliseconds (10 s). */
  readonly headersMs?: number;
  /** How long a whole request may take to arrive, in milliseconds (30 s). */
  readonly requestMs?: number;
  /** How long a connection may be idle between requests, in milliseconds (60 s). */
  readonly idleMs?: number;
  /** How long `close` waits for requests that are in flight, in milliseconds (2 s). */
  readonly drainMs?: number;
}

type Limits = Required<Omit<HttpLimits, "maxConnectionsPerAddress">>;

export const DEFAULT_LIMITS: Limits = {
  maxBodyBytes: 4 << 20,
  maxHeaderBytes: 16 << 10,
  maxConnections: 1_000,
  headersMs: 10_000,
  requestMs: 30_000,
  idleMs: 60_000,
  drainMs: 2_000,
};

export interface ListenerOptions {
  /** Name of the component, in errors: `galley webhook`. */
  readonly name: string;
  readonly address: ListenAddress;
  /** Absent: plaintext. */
  readonly tls?: TlsSource | undefined;
  readonly limits?: HttpLimits;
}

export interface HttpServer extends Component {
  /** The bound port after `start`; 0 on a Unix socket. */
  readonly port: number;
}

/** What answers a listener's requests. */
interface Attached {
  close?(): Promise<void>;
}

const log = logger("http");

/**
 * Makes an HTTP/1.1 listener with limits. Exactly the given address is bound; a new key pair is taken over without closing a
 * connection. `start` throws XebecError failed_precondition naming the port when it cannot be bound.
 * @param attach adds what answers requests, before the address is bound
 */
export function createListener(
  { name, address, tls, limits: given }: ListenerOptions,
  attach: (listener: Server | SecureServer) => Attached | Promise<Attached>,
): HttpServer {
  const limits = { ...DEFAULT_LIMITS, ...given };
  let server: Server | undefined;
  let attached: Attached | undefined;
  let unwatch: (() => void) | undefined;
  let port = 0;
  return {
    name,
    get port() {
      return port;
    },
    async start() {
      const listener = tls ? secureServer(name, tls, limits) : createServer(serverOptions(limits));
      limitConnections(listener, {
        maxConnections: limits.maxConnections,
        maxConnectionsPerAddress: limits.maxConnectionsPerAddress ?? Math.ceil(limits.maxConnections / 2),
      });
      listener.keepAliveTimeout = limits.idleMs;
      attached = await attach(listener);
      if (tls) unwatch = tls.onChange(() => replaceKeyPair(name, listener as SecureServer, tls));
      port = await listenExactly(listener, address, name);
      server = listener;
    },
    async close() {
      unwatch?.();
      await attached?.close?.();
      if (!server?.listening) return;
      const listener = server;
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      listener.closeIdleConnections();
      const late = setTimeout(() => listener.closeAllConnections(), limits.drainMs);
      await closed;
      clearTimeout(late);
    },
  };
}

function serverOptions(limits: Limits): ServerOptions {
  return {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: Math.max(50, Math.min(5_000, limits.headersMs / 2)),
  };
}

function material(tls: TlsSource) {
  const { cert, key, ca } = tls.current();
  return { cert, key, ...(ca === undefined ? {} : { ca }), minVersion: "TLSv1.2" as const };
}

function secureServer(name: string, tls: TlsSource, limits: Limits): SecureServer {
  try {
    const server = createSecureServer({
      ...serverOptions(limits),
      ...material(tls),
      requestCert: tls.current().ca !== undefined,
      rejectUnauthorized: tls.requireClientCertificate === true,
      handshakeTimeout: limits.headersMs,
    });
    server.on("secureConnection", (socket) => {
      const peer = socket.authorized ? socket.getPeerCertificate() : undefined;
      if (peer?.raw && tls.acceptsClient && !tls.acceptsClient(describeCertificate(peer))) socket.destroy();
    });
    server.on("tlsClientError", (error) => log.debug({ err: error, server: name }, "a TLS handshake failed"));
    return server;
  } catch (error) {
    throw new XebecError("failed_precondition", `${name}: its certificate or private key is unusable`, {
      cause: error,
    });
  }
}

function replaceKeyPair(name: string, server: SecureServer, tls: TlsSource): void {
  try {
    server.setSecureContext(material(tls));
    log.info({ server: name }, "the key pair was replaced");
  } catch (error) {
    log.error({ err: error, server: name }, "the new key pair is unusable; the old one stays");
  }
}
