import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from "node:tls";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { describeCertificate } from "./identity.ts";
import type { ClientCertificate, TlsSource } from "./tls-source.ts";

const log = logger("grpc");

export interface ListenerOptions {
  /** The server's name, in errors and the log. */
  readonly name: string;
  /** Absent: plaintext. */
  readonly tls: TlsSource | undefined;
  readonly handshakeMs: number;
  /** Takes a connection that is ready for HTTP/2. */
  accept(socket: Socket, certificate: ClientCertificate | undefined): void;
  /** Counts a connection that was refused. */
  refused(reason: "connections" | "tls" | "certificate"): void;
}

export interface Listener {
  readonly server: Server;
  /** Ends the following of the key pair. */
  unwatch(): void;
}

/**
 * Makes a listener that does not listen yet. A changed key pair counts for new connections.
 * @throws XebecError failed_precondition when the key pair is unusable
 */
export function createListener(options: ListenerOptions): Listener {
  const { tls } = options;
  return tls
    ? tlsListener(tls, options)
    : {
        server: createServer({ noDelay: true }, (socket) => options.accept(socket, undefined)),
        unwatch: () => {},
      };
}

function tlsListener(tls: TlsSource, options: ListenerOptions): Listener {
  const material = () => {
    const { cert, key, ca } = tls.current();
    return { cert, key, ...(ca === undefined ? {} : { ca }) };
  };
  try {
    const first = material();
    const server = createTlsServer(
      {
        ...first,
        ALPNProtocols: ["h2"],
        minVersion: "TLSv1.2",
        requestCert: first.ca !== undefined,
        rejectUnauthorized: tls.requireClientCertificate === true,
        handshakeTimeout: options.handshakeMs,
        noDelay: true,
      },
      (socket) => secured(socket, tls, options),
    );
    server.on("tlsClientError", (error) => {
      options.refused("tls");
      log.debug({ err: error, server: options.name }, "a TLS handshake failed");
    });
    return { server, unwatch: tls.onChange(() => replacePair(server, material, options.name)) };
  } catch (error) {
    throw new XebecError("failed_precondition", `${options.name}: its certificate or private key is unusable`, {
      cause: error,
    });
  }
}

function replacePair(server: TlsServer, material: () => { cert: string; key: string }, name: string): void {
  try {
    server.setSecureContext({ ...material(), minVersion: "TLSv1.2" });
    log.info({ server: name }, "the key pair was replaced");
  } catch (error) {
    log.error({ err: error, server: name }, "the new key pair is unusable; the old one stays");
  }
}

function secured(socket: TLSSocket, tls: TlsSource, options: ListenerOptions): void {
  socket.on("error", (error) => log.debug({ err: error, server: options.name }, "a connection broke"));
  const peer = socket.authorized ? socket.getPeerCertificate() : undefined;
  if (!peer?.raw) {
    if (tls.requireClientCertificate) socket.destroy();
    else options.accept(socket, undefined);
    return;
  }
  const certificate = describeCertificate(peer);
  if (tls.acceptsClient && !tls.acceptsClient(certificate)) {
    options.refused("certificate");
    socket.destroy();
    return;
  }
  options.accept(socket, certificate);
}
