import type { ServerDuplexStream } from "@grpc/grpc-js";
import { XebecError } from "@xebec/core-errors";
import { asBuffer } from "./bytes.ts";
import { toStatus } from "./status.ts";

/** One message stream in each direction, as bytes. Each `on…` holds one handler; setting it again replaces it. */
export interface RawStream {
  /**
   * Queues a message. Nothing is copied before it is sent: the bytes must not change afterwards.
   * @param handed called once the bytes were handed to the connection; not when the stream ends before
   * @returns false when the queue is above its mark (1 MiB): wait for `onDrain` before writing more
   */
  write(bytes: Uint8Array, handed?: () => void): boolean;
  /** Bytes written and not yet handed to the connection. */
  readonly queuedBytes: number;
  /** True once the stream is over; writes are ignored. */
  readonly closed: boolean;
  /** Called when the queue has fallen below half its mark after a `write` that returned false. */
  onDrain(handler: () => void): void;
  /** Called per message; reading starts with this call. A handler that throws fails the stream. */
  onMessage(handler: (bytes: Buffer) => void): void;
  /** Called once when no further message will come: the peer ended its side, or the stream broke. */
  onEnd(handler: () => void): void;
  /** Called once when the stream is over in both directions, however that came. */
  onClose(handler: () => void): void;
  /** Stops reading, so that the peer's writes wait. */
  pause(): void;
  resume(): void;
  /** Ends the stream with status OK after what was queued. */
  end(): void;
  /** Ends the stream with an error status after what was queued. */
  fail(error: unknown): void;
}

const HIGH_MARK = 1 << 20;

/** A RawStream over a grpc-js server stream. */
export class ServerRawStream implements RawStream {
  readonly #call: ServerDuplexStream<Buffer, Buffer>;
  readonly #path: string;
  #queued = 0;
  #full = false;
  #ended = false;
  #over = false;
  #inputEnded = false;
  #code = 0;
  #drain: (() => void) | undefined;
  #end: (() => void) | undefined;
  #close: ((code: number) => void) | undefined;
  #closeHandler: (() => void) | undefined;

  /** @param finished called once with the gRPC status number when the stream is over */
  constructor(call: ServerDuplexStream<Buffer, Buffer>, path: string, finished: (code: number) => void) {
    this.#call = call;
    this.#path = path;
    this.#close = finished;
    call.on("end", () => this.#inputEnd());
    // grpc-js tells by this event that the stream is over, also when it ended well.
    call.on("cancelled", () => this.#finish());
    call.on("close", () => this.#finish());
  }

  get queuedBytes(): number {
    return this.#queued;
  }

  get closed(): boolean {
    return this.#over;
  }

  write(bytes: Uint8Array, handed?: () => void): boolean {
    if (this.#over || this.#ended) return false;
    const size = bytes.byteLength;
    this.#queued += size;
    this.#call.write(asBuffer(bytes), () => {
      this.#written(size);
      handed?.();
    });
    if (this.#queued >= HIGH_MARK) this.#full = true;
    return !this.#full;
  }

  #written(size: number): void {
    this.#queued -= size;
    if (!this.#full || this.#queued >= HIGH_MARK / 2 || this.#over) return;
    this.#full = false;
    this.#guard(this.#drain);
  }

  onDrain(handler: () => void): void {
    this.#drain = handler;
  }

  onMessage(handler: (bytes: Buffer) => void): void {
    this.#call.removeAllListeners("data");
    this.#call.on("data", (bytes: Buffer) => {
      if (!this.#over && !this.#ended) this.#guard(() => handler(bytes));
    });
  }

  onEnd(handler: () => void): void {
    this.#end = handler;
    if (this.#inputEnded) queueMicrotask(() => this.#guard(handler));
  }

  onClose(handler: () => void): void {
    this.#closeHandler = handler;
    if (this.#over) queueMicrotask(() => this.#guard(handler));
  }

  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  end(): void {
    if (this.#over || this.#ended) return;
    this.#ended = true;
    this.#call.end();
  }

  fail(error: unknown): void {
    if (this.#over || this.#ended) return;
    this.#ended = true;
    const status = toStatus(error, this.#path);
    this.#code = status.code;
    this.#call.emit("error", status);
  }

  #inputEnd(): void {
    if (this.#inputEnded) return;
    this.#inputEnded = true;
    this.#guard(this.#end);
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#inputEnd();
    this.#close?.(this.#ended ? this.#code : CANCELLED);
    this.#guard(this.#closeHandler);
  }

  // A handler's error ends its own stream and nothing else.
  #guard(handler: (() => void) | undefined): void {
    try {
      handler?.();
    } catch (error) {
      if (this.#over) toStatus(XebecError.from(error), this.#path);
      else this.fail(error);
    }
  }
}

const CANCELLED = 1;
