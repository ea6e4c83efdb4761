import type { IncomingHttpHeaders } from "node:http2";
import { acceptsGzip } from "./compression.ts";
import type { ResponseMetadata } from "./response.ts";
import type { ClientCertificate } from "./tls-source.ts";

/** What a handler may know about its call. */
export interface CallContext {
  /** The method, `/package.Service/Method`. */
  readonly path: string;
  /** The caller's address, `127.0.0.1:40312`; `unknown` on a Unix socket. */
  readonly peer: string;
  /** SPIFFE URI of the verified client certificate; absent without one. */
  readonly identity?: string | undefined;
  /** The verified client certificate; absent without one. */
  readonly certificate?: ClientCertificate | undefined;
  /** How long the caller waits, in milliseconds from the arrival of the call; absent when it set no deadline. */
  readonly deadlineMs?: number | undefined;
  /** True when the one request of a unary call came compressed. */
  readonly compressed: boolean;
  /** Has the answer of a unary call compressed, provided that the caller reads gzip. For answers that go far, or are large text. */
  compress(): void;
  /** Aborts when the caller went away or the deadline passed before the call had ended. */
  readonly signal: AbortSignal;
  /** The first value of a request header; text only. @param name in lower case */
  metadata(name: string): string | undefined;
  /** Sends metadata with the answer. The initial part has to be given before the first message. */
  respondWith(metadata: ResponseMetadata): void;
}

/** The end of a connection that calls come from. */
export interface Peer {
  readonly address: string;
  readonly certificate: ClientCertificate | undefined;
}

/** A context that makes only what a handler asks for. */
export class LazyContext implements CallContext {
  readonly path: string;
  readonly deadlineMs: number | undefined;
  /** Metadata of the answer. */
  responseMetadata: ResponseMetadata | undefined;
  compressed = false;
  /** Whether the answer is to be compressed. */
  gzip = false;
  readonly #peer: Peer;
  readonly #headers: IncomingHttpHeaders;
  #controller: AbortController | undefined;
  #aborted = false;

  constructor(path: string, peer: Peer, headers: IncomingHttpHeaders, timeoutMs: number | undefined) {
    this.path = path;
    this.deadlineMs = timeoutMs;
    this.#peer = peer;
    this.#headers = headers;
  }

  get peer(): string {
    return this.#peer.address;
  }

  get certificate(): ClientCertificate | undefined {
    return this.#peer.certificate;
  }

  get identity(): string | undefined {
    return this.#peer.certificate?.identity;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted) this.#controller.abort();
    return this.#controller.signal;
  }

  get acceptsGzip(): boolean {
    return acceptsGzip(this.#headers["grpc-accept-encoding"]?.toString());
  }

  compress(): void {
    this.gzip = this.acceptsGzip;
  }

  respondWith(metadata: ResponseMetadata): void {
    this.responseMetadata = { ...this.responseMetadata, ...metadata };
  }

  metadata(name: string): string | undefined {
    if (name.startsWith(":")) return undefined;
    const value = this.#headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  /** Tells the handler that nobody waits any more. */
  abort(): void {
    this.#aborted = true;
    this.#controller?.abort();
  }
}
