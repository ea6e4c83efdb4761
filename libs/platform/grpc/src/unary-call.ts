import { constants, type ServerHttp2Stream } from "node:http2";
import { XebecError } from "@xebec/core-errors";
import type { LazyContext } from "./call-context.ts";
import type { Encoding } from "./compression.ts";
import type { HeldBytes } from "./held-bytes.ts";
import { MessageInput, type MessageLimits, type MessageSink } from "./message-input.ts";
import type { RawUnaryHandler } from "./method.ts";
import { ProtocolError } from "./protocol-error.ts";
import { endResponse, respondOnce } from "./response.ts";
import { toStatus } from "./status.ts";

const CANCELLED = 1;
/** What a peer may take to fetch an answer beyond the limit of the call itself, in milliseconds. */
const FETCH_MS = 1_000;

/** What a call needs of its server. */
export interface CallHost {
  readonly messageLimits: MessageLimits;
  readonly maxCallMs: number;
  /** Counts a call that ended. @param code gRPC status number */
  count(path: string, code: number): void;
}

/** One call with one request: it waits for the whole request, asks the handler, answers once. */
export class UnaryCall implements MessageSink {
  /** When it arrived, on the clock of `performance.now`. */
  readonly since = performance.now();
  readonly #stream: ServerHttp2Stream;
  readonly #context: LazyContext;
  readonly #handler: RawUnaryHandler;
  readonly #host: CallHost;
  readonly #held: HeldBytes;
  readonly #input: MessageInput;
  #request: Buffer | undefined;
  #open = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    stream: ServerHttp2Stream,
    encoding: Encoding,
    context: LazyContext,
    handler: RawUnaryHandler,
    host: CallHost,
    held: HeldBytes,
  ) {
    this.#stream = stream;
    this.#context = context;
    this.#handler = handler;
    this.#host = host;
    this.#held = held;
    this.#input = new MessageInput(stream, encoding, host.messageLimits, held, this);
    this.#input.start();
  }

  message(bytes: Buffer, compressed: boolean): void {
    if (this.#request !== undefined)
      throw new ProtocolError("unimplemented", `${this.#context.path} takes one message; more than one came`);
    if (!this.#open) return;
    this.#held.add(bytes.length);
    this.#request = bytes;
    this.#context.compressed = compressed;
  }

  inputEnd(): void {
    if (this.#request === undefined)
      throw new ProtocolError("unimplemented", `${this.#context.path} takes one message; none came`);
    if (!this.#open) return;
    let result: Uint8Array | Promise<Uint8Array>;
    try {
      result = this.#handler(this.#request, this.#context);
    } catch (error) {
      this.failed(error);
      return;
    }
    if (result instanceof Uint8Array) this.#succeed(result);
    else {
      this.#limit();
      result.then(
        (bytes) => this.#succeed(bytes),
        (error) => this.failed(error),
      );
    }
  }

  failed(error: unknown): void {
    if (!this.#end()) return;
    const status = toStatus(error, this.#context.path);
    this.#host.count(this.#context.path, status.code);
    endResponse(this.#stream, status, this.#context.responseMetadata);
  }

  /** Ends the call when it is over its time. @returns false when it, and all that came later, still has time */
  sweep(now: number): boolean {
    const { maxCallMs } = this.#host;
    const took = now - this.since;
    if (took < maxCallMs) return false;
    if (this.#open) this.#expire(maxCallMs);
    else if (took > maxCallMs + FETCH_MS) this.#stream.close(constants.NGHTTP2_CANCEL);
    return true;
  }

  /** The stream is over. */
  closed(): void {
    this.#input.drop();
    if (!this.#end()) return;
    this.#host.count(this.#context.path, CANCELLED);
    this.#context.abort();
  }

  // Only a call that has to wait for its handler, and whose caller waits less than the server allows, needs a timer.
  #limit(): void {
    const allowed = this.#context.deadlineMs;
    if (allowed === undefined || allowed >= this.#host.maxCallMs || !this.#open) return;
    const left = this.since + allowed - performance.now();
    this.#timer = setTimeout(() => this.#expire(allowed), Math.max(0, left));
  }

  #expire(allowedMs: number): void {
    this.failed(new XebecError("deadline_exceeded", `${this.#context.path} took longer than ${allowedMs} ms`));
    this.#context.abort();
  }

  #succeed(bytes: Uint8Array): void {
    if (!this.#end()) return;
    this.#host.count(this.#context.path, 0);
    respondOnce(this.#stream, bytes, this.#context.gzip, this.#context.responseMetadata);
  }

  #end(): boolean {
    if (!this.#open) return false;
    this.#open = false;
    this.#held.remove(this.#request?.length ?? 0);
    clearTimeout(this.#timer);
    return true;
  }
}
