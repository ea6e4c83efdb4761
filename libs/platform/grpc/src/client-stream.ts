import type { ClientDuplexStream } from "@grpc/grpc-js";
import type { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { asBuffer } from "./bytes.ts";

const log = logger("grpc");

/** The client's side of a message stream, as bytes. Each `on…` holds one handler; setting it again replaces it. */
export class ClientRawStream {
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  #queued = 0;
  #over = false;
  #error: XebecError | undefined;
  #onEnd: ((error: XebecError | undefined) => void) | undefined;
  #onDrain: (() => void) | undefined;

  constructor(
    call: ClientDuplexStream<Buffer, Buffer>,
    translate: (error: unknown) => XebecError,
    signal: AbortSignal | undefined,
  ) {
    this.#call = call;
    const cancel = (): void => call.cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    if (signal?.aborted) cancel();
    const finish = (error: XebecError | undefined): void => {
      if (this.#over) return;
      signal?.removeEventListener("abort", cancel);
      this.#over = true;
      this.#error = error;
      this.#guard(() => this.#onEnd?.(error));
    };
    call.on("error", (error) => finish(translate(error)));
    call.on("status", (status) => {
      // An error status comes as an `error` event too, which carries more; a good one has only this event.
      if (status.code === 0) setImmediate(() => finish(undefined));
    });
    call.on("drain", () => this.#guard(() => this.#onDrain?.()));
  }

  /** @returns false when the queue is full: wait for `onDrain` */
  write(bytes: Uint8Array): boolean {
    if (this.#over) return false;
    const size = bytes.byteLength;
    this.#queued += size;
    return this.#call.write(asBuffer(bytes), () => {
      this.#queued -= size;
    });
  }

  get queuedBytes(): number {
    return this.#queued;
  }

  get closed(): boolean {
    return this.#over;
  }

  onDrain(handler: () => void): void {
    this.#onDrain = handler;
  }

  /** Called per message; reading starts with this call. */
  onMessage(handler: (bytes: Buffer) => void): void {
    this.#call.removeAllListeners("data");
    this.#call.on("data", (bytes: Buffer) => this.#guard(() => handler(bytes)));
  }

  /** Called once when the stream is over; with the error unless the server ended it with status OK. */
  onEnd(handler: (error: XebecError | undefined) => void): void {
    this.#onEnd = handler;
    if (this.#over) queueMicrotask(() => this.#guard(() => handler(this.#error)));
  }

  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  /** Ends our side; the server may go on. */
  end(): void {
    this.#call.end();
  }

  /** Breaks the stream off; `onEnd` follows with `cancelled`. */
  cancel(): void {
    this.#call.cancel();
  }

  #guard(handler: () => void): void {
    try {
      handler();
    } catch (error) {
      log.error({ err: error }, "a stream's handler failed; the stream is broken off");
      this.#call.cancel();
    }
  }
}
