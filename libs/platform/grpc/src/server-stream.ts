import { constants, type ServerHttp2Stream } from "node:http2";
import { XebecError } from "@xebec/core-errors";
import type { LazyContext } from "./call-context.ts";
import { compress, type Encoding } from "./compression.ts";
import { writeMessage } from "./framing.ts";
import type { HeldBytes } from "./held-bytes.ts";
import { MessageInput, type MessageLimits, type MessageSink } from "./message-input.ts";
import type { RawStream } from "./raw-stream.ts";
import { beginResponse, endResponse, type Outcome } from "./response.ts";
import { toStatus } from "./status.ts";

const HIGH_MARK = 1 << 20;
const OK = 0;
const CANCELLED = 1;
/** Node's timers hold no more. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What a message stream is made with. */
export interface ServerStreamOptions {
  readonly path: string;
  readonly encoding: Encoding;
  /** What the caller reads, and what it gets beside the messages. */
  readonly context: Pick<LazyContext, "acceptsGzip" | "responseMetadata">;
  readonly messageLimits: MessageLimits;
  /** Of its connection. */
  readonly held: HeldBytes;
  /** How long the caller waits for the whole call, in milliseconds. */
  readonly deadlineMs: number | undefined;
  /** Called once with the gRPC status number when the stream is over. */
  finished(code: number): void;
}

/** The server's side of a message stream. */
export class ServerRawStream implements RawStream, MessageSink {
  readonly #stream: ServerHttp2Stream;
  readonly #options: ServerStreamOptions;
  readonly #input: MessageInput;
  readonly #timer: NodeJS.Timeout | undefined;
  #queued = 0;
  #full = false;
  #begun = false;
  #gzip = false;
  /** Whether the head says that messages may be compressed. */
  #announced = false;
  /** With which status, and when, our side was ended. */
  #ended: { readonly code: number; readonly at: number } | undefined;
  #over = false;
  #reading = false;
  #inputEnded = false;
  #onMessage: ((bytes: Buffer, compressed?: boolean) => void) | undefined;
  #onDrain: (() => void) | undefined;
  #onEnd: (() => void) | undefined;
  #onClose: (() => void) | undefined;

  constructor(stream: ServerHttp2Stream, options: ServerStreamOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#input = new MessageInput(stream, options.encoding, options.messageLimits, options.held, this);
    // A paused stream that was reset is closed only when it was read to its end; this event does not wait for that.
    stream.on("aborted", () => this.#finish());
    stream.on("close", () => this.#finish());
    const { path, deadlineMs } = options;
    if (deadlineMs !== undefined && deadlineMs <= LONGEST_TIMER_MS)
      this.#timer = setTimeout(
        () => this.fail(new XebecError("deadline_exceeded", `${path} took longer than ${deadlineMs} ms`)),
        deadlineMs,
      );
  }

  get queuedBytes(): number {
    return this.#queued;
  }

  get closed(): boolean {
    return this.#over;
  }

  write(bytes: Uint8Array, handed?: () => void): boolean {
    if (this.#over || this.#ended || this.#stream.destroyed || this.#stream.closed) return false;
    if (!this.#begun) {
      this.#begun = true;
      this.#announced = this.#gzip;
      beginResponse(this.#stream, this.#announced, this.#options.context.responseMetadata);
    }
    const size = bytes.byteLength;
    this.#queued += size;
    if (this.#queued >= HIGH_MARK) this.#full = true;
    const packed = this.#gzip && this.#announced ? compress(bytes) : undefined;
    const written = (error?: Error | null): void => {
      if (error || this.#over) return;
      this.#written(size);
      handed?.();
    };
    writeMessage(this.#stream, packed ?? bytes, written, packed !== undefined);
    return !this.#full;
  }

  compress(on: boolean): void {
    this.#gzip = on && this.#options.context.acceptsGzip;
  }

  #written(size: number): void {
    this.#queued -= size;
    if (!this.#full || this.#queued >= HIGH_MARK / 2) return;
    this.#full = false;
    this.#guard(this.#onDrain);
  }

  onDrain(handler: () => void): void {
    this.#onDrain = handler;
  }

  onMessage(handler: (bytes: Buffer, compressed?: boolean) => void): void {
    this.#onMessage = handler;
    if (this.#reading) return;
    this.#reading = true;
    if (!this.#over && !this.#ended) this.#input.start();
  }

  onEnd(handler: () => void): void {
    this.#onEnd = handler;
    if (this.#inputEnded) queueMicrotask(() => this.#guard(handler));
  }

  onClose(handler: () => void): void {
    this.#onClose = handler;
    if (this.#over) queueMicrotask(() => this.#guard(handler));
  }

  pause(): void {
    this.#input.pause();
  }

  resume(): void {
    this.#input.resume();
  }

  end(): void {
    this.#end({ code: OK, details: "" });
  }

  fail(error: unknown): void {
    if (!this.#over && !this.#ended) this.#end(toStatus(error, this.#options.path));
  }

  abort(): void {
    if (!this.#over) this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  message(bytes: Buffer, compressed: boolean): void {
    this.#onMessage?.(bytes, compressed);
  }

  inputEnd(): void {
    if (this.#inputEnded) return;
    this.#inputEnded = true;
    this.#guard(this.#onEnd);
  }

  failed(error: unknown): void {
    this.fail(error);
  }

  /** Resets a stream that was ended and whose peer does not fetch what was written. @param allowedMs time for that */
  sweep(now: number, allowedMs: number): void {
    if (this.#ended && now - this.#ended.at > allowedMs) this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  #end(outcome: Outcome): void {
    if (this.#over || this.#ended) return;
    this.#ended = { code: outcome.code, at: performance.now() };
    this.#input.drop();
    endResponse(this.#stream, outcome, this.#options.context.responseMetadata);
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#input.drop();
    this.inputEnd();
    this.#options.finished(this.#ended?.code ?? CANCELLED);
    this.#guard(this.#onClose);
  }

  // A handler's error ends its own stream and nothing else.
  #guard(handler: (() => void) | undefined): void {
    try {
      handler?.();
    } catch (error) {
      if (this.#over) toStatus(XebecError.from(error), this.#options.path);
      else this.fail(error);
    }
  }
}
