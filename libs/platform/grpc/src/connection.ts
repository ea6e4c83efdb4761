import { constants, performServerHandshake, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { logger } from "@xebec/core-log";
import type { Peer } from "./call-context.ts";
import type { Held } from "./connection-table.ts";
import { HeldBytes } from "./held-bytes.ts";
import type { GrpcLimits } from "./limits.ts";
import type { ClientCertificate } from "./tls-source.ts";

const log = logger("grpc");
const PING_ANSWER_MS = 10_000;
/** Bytes of answers, in MiB, that one connection may have under way before it gets no new streams. */
const SESSION_MEMORY_MIB = 256;
// Calls that their caller gives up are normal where callers have time limits: node's default of 33 a second would cut off a
// busy proxy. A call that is given up costs no more than one that is not, so this many are harmless.
const RESETS_AT_ONCE = 2_000;
const RESETS_PER_SECOND = 500;
/** Clients measure a path by pings while they receive: one for each of our messages at the most. */
const PINGS_AT_ONCE = 2_000;
const PINGS_PER_SECOND = 500;
/** HTTP/2 counts this much for each header besides its name and value (RFC 9113, section 6.5.2). */
const HEADER_OVERHEAD = 32;

/** One HTTP/2 connection: who is at its other end, and whether it still lives. */
export class Connection implements Peer {
  readonly session: ServerHttp2Session;
  /** `127.0.0.1:40312`; `unknown` on a Unix socket. */
  readonly address: string;
  readonly certificate: ClientCertificate | undefined;
  /** What its calls keep of messages. */
  readonly held: HeldBytes;
  readonly #socket: Socket;
  readonly #limits: Required<GrpcLimits>;
  readonly #since = performance.now();
  /** When it is closed for its age; spread, so that not all come back at once. */
  readonly #retiresAt: number;
  /** Ends the streams that would go on for ever. */
  readonly #endings = new Set<() => void>();
  readonly #place: Held | undefined;
  #settled = false;
  #streams = 0;
  #idleSince = this.#since;
  #heardAt = this.#since;
  #bytesRead = 0;
  #pingedAt: number | undefined;
  /** Pings of the peer's that count still. */
  #pings = 0;
  #lastPing = 0;

  /** Begins HTTP/2 on a socket that was accepted, after TLS when there is any. @param place in the table of connections */
  constructor(
    socket: Socket,
    certificate: ClientCertificate | undefined,
    limits: Required<GrpcLimits>,
    ofServer: HeldBytes,
    place?: Held,
  ) {
    this.#place = place;
    // One message of the largest size fits always.
    this.held = new HeldBytes(Math.max(limits.maxHeldBytesPerConnection, 2 * limits.maxMessageBytes), ofServer);
    this.#socket = socket;
    this.#limits = limits;
    this.#retiresAt = this.#since + limits.maxConnectionAgeMs * (0.9 + 0.2 * Math.random());
    this.certificate = certificate;
    this.address = socket.remoteAddress === undefined ? "unknown" : `${socket.remoteAddress}:${socket.remotePort}`;
    this.session = performServerHandshake(socket, {
      settings: { maxConcurrentStreams: limits.maxStreamsPerConnection, maxHeaderListSize: limits.maxHeaderBytes },
      // The size alone decides, and not node's limit of 128 headers.
      maxHeaderListPairs: Math.ceil(limits.maxHeaderBytes / HEADER_OVERHEAD),
      maxSessionMemory: SESSION_MEMORY_MIB,
      streamResetBurst: RESETS_AT_ONCE,
      streamResetRate: RESETS_PER_SECOND,
      // Our own answers need no check for headers given twice.
      strictSingleValueFields: false,
    });
    this.session.on("error", (error) => log.debug({ err: error, peer: this.address }, "a connection broke"));
    this.session.on("ping", () => this.#pinged());
    this.session.once("remoteSettings", () => {
      this.#settled = true;
    });
  }

  streamOpened(): void {
    this.#streams++;
    this.#place?.begin();
  }

  streamClosed(): void {
    this.#streams--;
    this.#place?.end();
    if (this.#streams === 0) this.#idleSince = performance.now();
  }

  /** Registers a callback for when the connection is to be closed for its age. @returns takes that back */
  onRetire(end: () => void): () => void {
    this.#endings.add(end);
    return () => this.#endings.delete(end);
  }

  /** Counts a ping of the peer's; one that pings without end is sent away. */
  #pinged(): void {
    const now = performance.now();
    this.#pings = Math.max(0, this.#pings - ((now - this.#lastPing) * PINGS_PER_SECOND) / 1_000) + 1;
    this.#lastPing = now;
    if (this.#pings <= PINGS_AT_ONCE || this.session.destroyed) return;
    log.info({ peer: this.address }, "a connection sends pings without end; it is ended");
    this.session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from("too_many_pings"));
    this.session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  /** Ends the connection when it never became HTTP/2, has been idle for too long, is too old, or does not answer. */
  sweep(now: number): void {
    const { handshakeMs, idleMs, keepaliveMs } = this.#limits;
    if (!this.#settled && now - this.#since > handshakeMs) this.#end("it did not begin HTTP/2");
    else if (this.#pingedAt !== undefined && now - this.#pingedAt > PING_ANSWER_MS) this.#end("it does not answer");
    else if (this.#streams === 0 && now - this.#idleSince > idleMs) this.session.close();
    else if (now > this.#retiresAt) this.#retire();
    else if (this.#pingedAt === undefined && now - this.#heardAt > keepaliveMs) this.#ask(now);
  }

  #retire(): void {
    this.session.close();
    for (const end of this.#endings) end();
    this.#endings.clear();
  }

  #ask(now: number): void {
    this.#heardAt = now;
    const { bytesRead } = this.#socket;
    if (bytesRead !== this.#bytesRead) {
      this.#bytesRead = bytesRead;
      return;
    }
    this.#pingedAt = now;
    this.session.ping((error) => {
      if (error) return;
      this.#pingedAt = undefined;
      this.#heardAt = performance.now();
      this.#bytesRead = this.#socket.bytesRead;
    });
  }

  #end(why: string): void {
    log.debug({ peer: this.address, why }, "a connection is ended");
    this.session.destroy();
    this.#socket.destroy();
  }
}
