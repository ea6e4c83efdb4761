import type { ServerHttp2Stream } from "node:http2";
import { decompress, type Encoding } from "./compression.ts";
import { checkFields } from "./field-count.ts";
import { MessageReader } from "./framing.ts";
import type { HeldBytes } from "./held-bytes.ts";
import type { GrpcLimits } from "./limits.ts";
import { ProtocolError } from "./protocol-error.ts";

/** Who takes the messages of a call. What it throws comes back by `failed`; nothing comes after that. */
export interface MessageSink {
  /** @param compressed whether it came compressed */
  message(bytes: Buffer, compressed: boolean): void;
  /** The caller ended its side after whole messages. */
  inputEnd(): void;
  failed(error: unknown): void;
}

export type MessageLimits = Required<Pick<GrpcLimits, "maxMessageBytes" | "maxFields">>;

/**
 * The messages that a caller sends, in order. While it is paused or decompresses it reads nothing, so that HTTP/2's flow
 * control holds the caller back.
 */
export class MessageInput {
  readonly #stream: ServerHttp2Stream;
  readonly #encoding: Encoding;
  readonly #limits: MessageLimits;
  readonly #reader: MessageReader;
  readonly #sink: MessageSink;
  #paused = false;
  #decompressing = false;
  #pumping = false;
  #ended = false;
  #over = false;

  /** @param limits of a message @param held counts what is kept of unfinished messages */
  constructor(
    stream: ServerHttp2Stream,
    encoding: Encoding,
    limits: MessageLimits,
    held: HeldBytes,
    sink: MessageSink,
  ) {
    this.#stream = stream;
    this.#encoding = encoding;
    this.#limits = limits;
    this.#reader = new MessageReader(limits.maxMessageBytes, held);
    this.#sink = sink;
  }

  start(): void {
    this.#stream.on("data", (chunk: Buffer) => {
      if (this.#over) return;
      this.#reader.add(chunk);
      this.#pump();
    });
    this.#stream.on("end", () => {
      this.#ended = true;
      this.#pump();
    });
  }

  pause(): void {
    this.#paused = true;
    this.#stream.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#pump();
    this.#flow();
  }

  /** Reads on and throws away what comes, so that the stream can end. */
  drop(): void {
    this.#over = true;
    this.#reader.discard();
    this.#stream.resume();
  }

  #flow(): void {
    if (!this.#paused && !this.#decompressing) this.#stream.resume();
  }

  /** @param first a message that was decompressed, which comes before what is left */
  #pump(first?: Buffer): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      if (first !== undefined) this.#hand(first, true);
      while (!this.#paused && !this.#decompressing && !this.#over) {
        const bytes = this.#reader.next();
        if (bytes === undefined) {
          if (this.#ended) this.#finish();
          break;
        }
        if (this.#reader.compressed) this.#decompress(bytes);
        else this.#hand(bytes, false);
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#pumping = false;
    }
  }

  #hand(bytes: Buffer, compressed: boolean): void {
    checkFields(bytes, this.#limits.maxFields);
    this.#sink.message(bytes, compressed);
  }

  #decompress(bytes: Buffer): void {
    this.#decompressing = true;
    this.#stream.pause();
    decompress(this.#encoding, bytes, this.#limits.maxMessageBytes, (result) => {
      this.#decompressing = false;
      if (this.#over) return;
      if (result instanceof ProtocolError) {
        this.#fail(result);
        return;
      }
      this.#pump(result);
      this.#flow();
    });
  }

  #finish(): void {
    this.#over = true;
    // A reset with code 0 looks like an end; the stream's close notifies the sink.
    if (this.#stream.aborted) return;
    if (this.#reader.unfinished) this.#sink.failed(new ProtocolError("internal", "the last message is cut off"));
    else this.#sink.inputEnd();
    this.#reader.discard();
  }

  #fail(error: unknown): void {
    this.drop();
    this.#sink.failed(error);
  }
}
