import { constants, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { createServer, type Server as NetServer, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from "node:tls";
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { Metrics } from "@xebec/core-metrics";
import { asBuffer } from "./bytes.ts";
import { LazyContext } from "./call-context.ts";
import { describeCertificate } from "./identity.ts";
import { DEFAULT_LIMITS, type GrpcLimits } from "./limits.ts";
import { type ListenAddress, listenExactly, listenText } from "./listen.ts";
import type { GrpcService, RawStreamHandler, RawUnaryHandler } from "./method.ts";
import { ServerRawStream } from "./raw-stream.ts";
import { codeOf, toStatus } from "./status.ts";
import type { ClientCertificate, TlsSource } from "./tls-source.ts";

export interface GrpcServerOptions {
  /** Name of the component, in errors and metrics: `pilot xDS`. */
  readonly name: string;
  readonly address: ListenAddress;
  /** Absent: plaintext. */
  readonly tls?: TlsSource | undefined;
  readonly services: readonly GrpcService[];
  readonly limits?: GrpcLimits;
  readonly metrics: Metrics;
}

export interface GrpcServer extends Component {
  /** The bound port after `start`; 0 on a Unix socket. */
  readonly port: number;
}

const log = logger("grpc");
const identity = (bytes: Buffer): Buffer => bytes;
const SWEEP_MS = 500;

/** A call that is being handled, for its time limit. */
interface Running {
  readonly since: number;
  expire(): void;
}

/**
 * Makes a gRPC server. The listener is our own, so that exactly the given address is bound, connections are limited before
 * TLS, and the key pair is replaced without closing a connection; @grpc/grpc-js serves what the listener accepted.
 * `start` throws XebecError failed_precondition naming the port when it cannot be bound.
 */
export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  return new OwnListenerServer(options);
}

class OwnListenerServer implements GrpcServer {
  readonly name: string;
  readonly #options: GrpcServerOptions;
  readonly #limits: Required<GrpcLimits>;
  readonly #certificates = new Map<string, ClientCertificate>();
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #running = new Set<Running>();
  readonly #receiving = new Map<ServerHttp2Stream, number>();
  readonly #streams = new Set<ServerRawStream>();
  readonly #unaryPaths = new Set<string>();
  readonly #handled;
  readonly #connections;
  readonly #openStreams;
  readonly #refused;
  #listener: NetServer | undefined;
  #grpc: Server | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #unwatch: (() => void) | undefined;
  #port = 0;

  constructor(options: GrpcServerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    const { metrics } = options;
    this.#handled = metrics.counter("xebec_grpc_server_handled_total", "Calls that ended, by method and status.", [
      "server",
      "method",
      "code",
    ]);
    this.#connections = metrics.gauge("xebec_grpc_server_connections", "Open connections.", ["server"]);
    this.#openStreams = metrics.gauge("xebec_grpc_server_streams", "Open message streams.", ["server"]);
    this.#refused = metrics.counter(
      "xebec_grpc_server_refused_connections_total",
      "Connections refused before a call.",
      ["server", "reason"],
    );
  }

  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    const { address, services, tls } = this.#options;
    const limits = this.#limits;
    const grpc = new Server({
      "grpc.max_receive_message_length": limits.maxMessageBytes,
      "grpc.max_send_message_length": -1,
      "grpc.max_concurrent_streams": limits.maxStreamsPerConnection,
      "grpc.max_connection_idle_ms": limits.idleMs,
      "grpc.keepalive_time_ms": limits.keepaliveMs,
      "grpc.keepalive_timeout_ms": 10_000,
      "grpc.enable_channelz": 0,
    });
    this.#grpc = grpc;
    for (const method of services.flatMap((each) => each.methods)) {
      const known = method.kind === "unary" ? this.#unary(grpc, method) : this.#stream(grpc, method);
      if (!known) throw new XebecError("internal", `${this.name}: the method ${method.path} is given twice`);
    }
    setMaxHeaderBytes(grpc, limits.maxHeaderBytes);
    const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
    const http2 = http2ServerOf(grpc);
    http2.on("session", (session) => {
      this.#sessions.add(session);
      session.once("close", () => this.#sessions.delete(session));
    });
    http2.on("stream", (stream, headers) => {
      if (!this.#unaryPaths.has(String(headers[":path"]))) return;
      this.#receiving.set(stream, performance.now());
      stream.once("close", () => this.#receiving.delete(stream));
    });
    const listener = tls
      ? this.#tlsListener(tls, (socket) => injector.injectConnection(socket))
      : createServer({ noDelay: true }, (socket) => injector.injectConnection(socket));
    this.#listener = listener;
    listener.maxConnections = limits.maxConnections;
    listener.on("drop", () => this.#refused.inc({ server: this.name, reason: "connections" }));
    listener.on("connection", (socket: Socket) => this.#track(socket));
    this.#port = await listenExactly(listener, address, this.name);
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
    this.#sweeper.unref();
    log.debug({ server: this.name, address: listenText(address), port: this.#port }, "listening");
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    this.#unwatch?.();
    const listener = this.#listener;
    if (!listener) return;
    this.#listener = undefined;
    const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
    for (const stream of [...this.#streams])
      stream.fail(new XebecError("unavailable", `${this.name} is shutting down; connect again`));
    // GOAWAY to everyone, then wait: grpc-js' own tryShutdown takes a session for closed as soon as it has said goodbye.
    const drained = Promise.all(
      [...this.#sessions].map((session) => new Promise<void>((resolve) => session.close(resolve))),
    );
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#limits.drainMs);
    });
    await Promise.race([drained, late]);
    clearTimeout(timer);
    this.#grpc?.forceShutdown();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    this.#connections.inc({ server: this.name });
    socket.on("error", (error) => log.debug({ err: error, server: this.name }, "a connection broke"));
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#connections.dec({ server: this.name });
    });
  }

  #tlsListener(tls: TlsSource, accept: (socket: TLSSocket) => void): TlsServer {
    const material = () => {
      const { cert, key, ca } = tls.current();
      return { cert, key, ...(ca === undefined ? {} : { ca }) };
    };
    let first: ReturnType<typeof material>;
    try {
      first = material();
      const server = createTlsServer(
        {
          ...first,
          ALPNProtocols: ["h2"],
          minVersion: "TLSv1.2",
          requestCert: first.ca !== undefined,
          rejectUnauthorized: tls.requireClientCertificate === true,
          handshakeTimeout: this.#limits.handshakeMs,
          noDelay: true,
        },
        (socket) => this.#secured(socket, tls, accept),
      );
      server.on("tlsClientError", (error) => {
        this.#refused.inc({ server: this.name, reason: "tls" });
        log.debug({ err: error, server: this.name }, "a TLS handshake failed");
      });
      this.#unwatch = tls.onChange(() => {
        try {
          server.setSecureContext({ ...material(), minVersion: "TLSv1.2" });
          log.info({ server: this.name }, "the key pair was replaced");
        } catch (error) {
          log.error({ err: error, server: this.name }, "the new key pair is unusable; the old one stays");
        }
      });
      return server;
    } catch (error) {
      throw new XebecError("failed_precondition", `${this.name}: its certificate or private key is unusable`, {
        cause: error,
      });
    }
  }

  #secured(socket: TLSSocket, tls: TlsSource, accept: (socket: TLSSocket) => void): void {
    socket.on("error", (error) => log.debug({ err: error, server: this.name }, "a connection broke"));
    const peer = socket.authorized ? socket.getPeerCertificate() : undefined;
    if (peer?.raw) {
      const certificate = describeCertificate(peer);
      if (tls.acceptsClient && !tls.acceptsClient(certificate)) {
        this.#refused.inc({ server: this.name, reason: "certificate" });
        socket.destroy();
        return;
      }
      // The port tells connections of one host apart for as long as they live; grpc-js gives calls the same text.
      const key = `${socket.remoteAddress}:${socket.remotePort}`;
      this.#certificates.set(key, certificate);
      socket.once("close", () => {
        if (this.#certificates.get(key) === certificate) this.#certificates.delete(key);
      });
    } else if (tls.requireClientCertificate) {
      socket.destroy();
      return;
    }
    accept(socket);
  }

  #count(method: string, code: number): void {
    this.#handled.inc({ server: this.name, method, code: code === 0 ? "ok" : codeOf(code) });
  }

  #unary(grpc: Server, { path, handler }: { path: string; handler: RawUnaryHandler }): boolean {
    this.#unaryPaths.add(path);
    const answer = (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void => {
      const context = new LazyContext(path, call, this.#certificates);
      const succeed = (bytes: Uint8Array): void => {
        this.#count(path, 0);
        callback(null, asBuffer(bytes));
      };
      const fail = (error: unknown): void => {
        const status = toStatus(error, path);
        this.#count(path, status.code);
        callback(status);
      };
      let result: Uint8Array | Promise<Uint8Array>;
      try {
        result = handler(call.request, context);
        if (result instanceof Uint8Array) {
          succeed(result);
          return;
        }
      } catch (error) {
        fail(error);
        return;
      }
      let open = true;
      const once =
        <T>(finish: (value: T) => void) =>
        (value: T): void => {
          if (!open) return;
          open = false;
          this.#running.delete(running);
          finish(value);
        };
      const running: Running = {
        since: performance.now(),
        expire: () => {
          once(fail)(new XebecError("deadline_exceeded", `${path} took longer than ${this.#limits.maxCallMs} ms`));
          context.abort();
        },
      };
      this.#running.add(running);
      call.on("cancelled", () => {
        if (!open) return;
        once(() => this.#count(path, 1))(undefined);
        context.abort();
      });
      result.then(once(succeed), once(fail));
    };
    return grpc.register(path, answer, identity, identity, "unary");
  }

  #stream(grpc: Server, { path, handler }: { path: string; handler: RawStreamHandler }): boolean {
    const serve = (call: ServerDuplexStream<Buffer, Buffer>): void => {
      const context = new LazyContext(path, call, this.#certificates);
      const stream = new ServerRawStream(call, path, (code) => {
        this.#streams.delete(stream);
        this.#openStreams.dec({ server: this.name });
        this.#count(path, code);
        context.abort();
      });
      this.#streams.add(stream);
      this.#openStreams.inc({ server: this.name });
      try {
        handler(stream, context);
      } catch (error) {
        stream.fail(error);
      }
    };
    return grpc.register(path, serve, identity, identity, "bidi");
  }

  /** Ends calls that are over their time. One timer for all: a call costs no timer of its own. */
  #sweep(): void {
    const now = performance.now();
    for (const running of this.#running) {
      if (now - running.since < this.#limits.maxCallMs) break;
      running.expire();
    }
    for (const [stream, since] of this.#receiving) {
      // One sweep later than the call's own limit, so that a handler that is too slow still answers with a status.
      if (now - since < this.#limits.maxCallMs + 2 * SWEEP_MS) break;
      stream.close(constants.NGHTTP2_CANCEL);
      this.#receiving.delete(stream);
    }
  }
}

// grpc-js has no option for the size of headers and does not show its HTTP/2 server; both are read from the object, and a
// change of their names there fails loudly here.
function setMaxHeaderBytes(grpc: Server, bytes: number): void {
  const common: unknown = Reflect.get(grpc, "commonServerOptions");
  if (typeof common !== "object" || common === null) throw new XebecError("internal", "grpc-js: no HTTP/2 options");
  const settings: unknown = Reflect.get(common, "settings");
  Reflect.set(common, "settings", { ...(typeof settings === "object" ? settings : {}), maxHeaderListSize: bytes });
}

function http2ServerOf(grpc: Server): Http2Server {
  const servers: unknown = Reflect.get(grpc, "http2Servers");
  const [first] = servers instanceof Map ? servers.keys() : [];
  if (!first) throw new XebecError("internal", "grpc-js: no HTTP/2 server");
  return first as Http2Server;
}
