import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { Metrics } from "@xebec/core-metrics";
import { LazyContext } from "./call-context.ts";
import { CallCounter } from "./call-counter.ts";
import { Connection } from "./connection.ts";
import { ConnectionTable } from "./connection-table.ts";
import { HeldBytes } from "./held-bytes.ts";
import { DEFAULT_LIMITS, type GrpcLimits } from "./limits.ts";
import { type ListenAddress, listenExactly, listenText } from "./listen.ts";
import { createListener, type Listener } from "./listener.ts";
import type { MessageLimits } from "./message-input.ts";
import type { GrpcMethod, GrpcService, RawStreamHandler } from "./method.ts";
import { ProtocolError } from "./protocol-error.ts";
import { grpcReflection } from "./reflection.ts";
import { type RequestHeaders, readHeaders, refusalOf } from "./request-headers.ts";
import { endResponse, refuse } from "./response.ts";
import { ServerRawStream } from "./server-stream.ts";
import { toStatus } from "./status.ts";
import type { ClientCertificate, TlsSource } from "./tls-source.ts";
import { type CallHost, UnaryCall } from "./unary-call.ts";

export interface GrpcServerOptions {
  /** Name of the component, in errors and metrics: `pilot xDS`. */
  readonly name: string;
  readonly address: ListenAddress;
  /** True: other processes of this user may listen there, too, and the kernel spreads connections over all of them (false). */
  readonly reusePort?: boolean;
  /** Absent: plaintext. */
  readonly tls?: TlsSource | undefined;
  readonly services: readonly GrpcService[];
  /** True: whoever connects may ask what is offered here (false). */
  readonly reflection?: boolean;
  readonly limits?: GrpcLimits;
  readonly metrics: Metrics;
}

export interface GrpcServer extends Component {
  /** The bound port after `start`; 0 on a Unix socket. */
  readonly port: number;
}

const log = logger("grpc");
/** How often times are looked at while calls are under way, and at most while there are none, in milliseconds. */
const SWEEP_MS = 500;
const REST_SWEEP_MS = 5_000;
/** Stands in metrics for methods that are not offered: their names are the callers' choice. */
const UNKNOWN_METHOD = "unknown";
const ignore = (): void => {};

/**
 * Makes a gRPC server on node:http2. Exactly the given address is bound, connections are limited before TLS, and the key
 * pair is replaced without closing a connection.
 * `start` throws XebecError failed_precondition naming the port when it cannot be bound.
 */
export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  return new Http2GrpcServer(options);
}

class Http2GrpcServer implements GrpcServer, CallHost {
  readonly name: string;
  readonly messageLimits: MessageLimits;
  readonly maxCallMs: number;
  readonly #options: GrpcServerOptions;
  readonly #limits: Required<GrpcLimits>;
  readonly #methods: ReadonlyMap<string, GrpcMethod>;
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Set<Connection>();
  /** In the order of their arrival. */
  readonly #calls = new Set<UnaryCall>();
  readonly #streams = new Set<ServerRawStream>();
  readonly #held: HeldBytes;
  readonly #table: ConnectionTable;
  readonly #counter: CallCounter;
  readonly #connectionsOpen;
  readonly #streamsOpen;
  readonly #refusedTotal;
  #listener: Listener | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #resting = false;
  readonly #restMs: number;
  #port = 0;

  constructor(options: GrpcServerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#table = new ConnectionTable(this.#limits);
    this.messageLimits = this.#limits;
    this.maxCallMs = this.#limits.maxCallMs;
    this.#held = new HeldBytes(this.#limits.maxHeldBytes);
    const { handshakeMs, keepaliveMs, idleMs, maxConnectionAgeMs, maxCallMs } = this.#limits;
    const shortest = Math.min(handshakeMs, keepaliveMs, idleMs, maxConnectionAgeMs, maxCallMs);
    this.#restMs = Math.max(SWEEP_MS, Math.min(REST_SWEEP_MS, shortest / 4));
    this.#methods = byPath(options);
    const { metrics } = options;
    this.#counter = new CallCounter(this.name, metrics);
    this.#connectionsOpen = metrics.gauge("xebec_grpc_server_connections", "Open connections.", ["server"]);
    this.#streamsOpen = metrics.gauge("xebec_grpc_server_streams", "Open message streams.", ["server"]);
    this.#refusedTotal = metrics.counter(
      "xebec_grpc_server_refused_connections_total",
      "Connections refused before a call.",
      ["server", "reason"],
    );
  }

  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    const { address, tls, reusePort } = this.#options;
    const { handshakeMs } = this.#limits;
    const listener = createListener({
      name: this.name,
      tls,
      handshakeMs,
      accept: (socket, certificate) => this.#accept(socket, certificate),
      refused: (reason) => this.#refusedTotal.inc({ server: this.name, reason }),
    });
    this.#listener = listener;
    // Before the listener's own: a connection that finds no room does not begin.
    listener.server.prependListener("connection", (socket: Socket) => this.#track(socket));
    this.#port = await listenExactly(listener.server, address, this.name, reusePort);
    this.#sweepLater();
    log.debug({ server: this.name, address: listenText(address), port: this.#port }, "listening");
  }

  async close(): Promise<void> {
    clearTimeout(this.#sweeper);
    const listener = this.#listener;
    if (!listener) return;
    this.#listener = undefined;
    listener.unwatch();
    const closed = new Promise<void>((resolve) => listener.server.close(() => resolve()));
    for (const stream of [...this.#streams])
      stream.fail(new XebecError("unavailable", `${this.name} is shutting down; connect again`));
    // GOAWAY to everyone; a session is closed once the calls that it has are answered.
    const drained = Promise.all(
      [...this.#connections].map(({ session }) => new Promise<void>((resolve) => session.close(resolve))),
    );
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#limits.drainMs);
    });
    await Promise.race([drained, late]);
    clearTimeout(timer);
    for (const { session } of this.#connections) session.destroy();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    this.#counter.flush();
  }

  count(path: string, code: number): void {
    this.#counter.count(path, code);
    if (this.#resting) this.#sweepLater();
  }

  /** Follows a socket from before TLS to its end. */
  #track(socket: Socket): void {
    // Before TLS: a handshake costs more than a connection.
    if (!this.#table.admit(socket)) {
      this.#refusedTotal.inc({ server: this.name, reason: "connections" });
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    this.#connectionsOpen.inc({ server: this.name });
    socket.on("error", (error) => log.debug({ err: error, server: this.name }, "a connection broke"));
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#connectionsOpen.dec({ server: this.name });
    });
  }

  #accept(socket: Socket, certificate: ClientCertificate | undefined): void {
    if (socket.destroyed) return;
    const connection = new Connection(socket, certificate, this.#limits, this.#held, this.#table.of(socket));
    this.#connections.add(connection);
    connection.session.once("close", () => this.#connections.delete(connection));
    connection.session.on("stream", (stream, headers) => this.#serve(connection, stream, headers));
  }

  #serve(connection: Connection, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    // A reset by the peer is an error event too; what matters of it comes with the stream's close.
    stream.on("error", ignore);
    connection.streamOpened();
    let call: UnaryCall | undefined;
    stream.on("close", () => {
      connection.streamClosed();
      if (!call) return;
      this.#calls.delete(call);
      call.closed();
    });
    const httpStatus = refusalOf(headers);
    if (httpStatus !== undefined) {
      refuse(stream, httpStatus);
      return;
    }
    const path = headers[":path"] ?? "";
    const method = this.#methods.get(path);
    let request: RequestHeaders;
    try {
      if (!method) throw new ProtocolError("unimplemented", `the method ${path.slice(0, 200)} is not offered here`);
      request = readHeaders(headers);
    } catch (error) {
      const status = toStatus(error, path);
      this.count(method ? path : UNKNOWN_METHOD, status.code);
      endResponse(stream, status);
      return;
    }
    const context = new LazyContext(path, connection, headers, request.timeoutMs);
    if (method.kind === "stream") this.#openStream(stream, request, context, connection, method.handler);
    else {
      if (this.#resting) this.#sweepLater();
      call = new UnaryCall(stream, request.encoding, context, method.handler, this, connection.held);
      this.#calls.add(call);
    }
  }

  #openStream(
    http2: ServerHttp2Stream,
    request: RequestHeaders,
    context: LazyContext,
    connection: Connection,
    handler: RawStreamHandler,
  ): void {
    const stream: ServerRawStream = new ServerRawStream(http2, {
      path: context.path,
      encoding: request.encoding,
      context,
      messageLimits: this.messageLimits,
      held: connection.held,
      deadlineMs: request.timeoutMs,
      finished: (code) => {
        forget();
        this.#streams.delete(stream);
        this.#streamsOpen.dec({ server: this.name });
        this.count(context.path, code);
        context.abort();
      },
    });
    const forget = connection.onRetire(() => stream.end());
    this.#streams.add(stream);
    this.#streamsOpen.inc({ server: this.name });
    try {
      handler(stream, context);
    } catch (error) {
      stream.fail(error);
    }
  }

  /** Ends what is over its time. One timer for all: a call costs no timer of its own. */
  #sweep(): void {
    if (!this.#listener) return;
    const now = performance.now();
    this.#counter.flush();
    for (const call of this.#calls) if (!call.sweep(now)) break;
    for (const stream of this.#streams) stream.sweep(now, this.maxCallMs);
    for (const connection of this.#connections) connection.sweep(now);
    this.#sweepLater(this.#calls.size === 0);
  }

  /** A server at rest wakes seldom: what is long has time. */
  #sweepLater(resting = false): void {
    this.#resting = resting;
    clearTimeout(this.#sweeper);
    this.#sweeper = setTimeout(() => this.#sweep(), resting ? this.#restMs : SWEEP_MS);
    this.#sweeper.unref();
  }
}

function byPath({ name, services, reflection = false }: GrpcServerOptions): ReadonlyMap<string, GrpcMethod> {
  const methods = new Map<string, GrpcMethod>();
  const all = reflection ? [...services, grpcReflection(services)] : services;
  for (const method of all.flatMap((each) => each.methods)) {
    if (methods.has(method.path)) throw new XebecError("internal", `${name}: the method ${method.path} is given twice`);
    methods.set(method.path, method);
  }
  return methods;
}
