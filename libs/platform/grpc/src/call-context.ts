import type { Metadata } from "@grpc/grpc-js";
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
  /** Aborts when the caller went away or the deadline passed before the call had ended. */
  readonly signal: AbortSignal;
  /** The first value of a request header; text only. @param name in lower case */
  metadata(name: string): string | undefined;
}

/** The parts of a grpc-js call that a context reads. */
export interface CallSource {
  readonly metadata: Metadata;
  getPeer(): string;
  getDeadline(): Date | number;
}

/** A context that reads lazily: a hot handler pays only for what it asks. */
export class LazyContext implements CallContext {
  readonly path: string;
  readonly #call: CallSource;
  readonly #certificates: ReadonlyMap<string, ClientCertificate>;
  #controller: AbortController | undefined;
  #aborted = false;

  constructor(path: string, call: CallSource, certificates: ReadonlyMap<string, ClientCertificate>) {
    this.path = path;
    this.#call = call;
    this.#certificates = certificates;
  }

  get peer(): string {
    return this.#call.getPeer();
  }

  get certificate(): ClientCertificate | undefined {
    return this.#certificates.size === 0 ? undefined : this.#certificates.get(this.#call.getPeer());
  }

  get identity(): string | undefined {
    return this.certificate?.identity;
  }

  get deadlineMs(): number | undefined {
    const deadline = Number(this.#call.getDeadline());
    return Number.isFinite(deadline) ? Math.max(0, deadline - Date.now()) : undefined;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted) this.#controller.abort();
    return this.#controller.signal;
  }

  metadata(name: string): string | undefined {
    const [value] = this.#call.metadata.get(name);
    return value === undefined ? undefined : value.toString();
  }

  /** Tells the handler that nobody waits any more. */
  abort(): void {
    this.#aborted = true;
    this.#controller?.abort();
  }
}
