import type { Writable } from "node:stream";
import { asBuffer } from "./bytes.ts";
import type { HeldBytes } from "./held-bytes.ts";
import { ProtocolError } from "./protocol-error.ts";

// gRPC over HTTP/2, "Length-Prefixed-Message": one byte that says whether the message is compressed, four bytes of length.
const PREFIX = 5;
/** Up to this size prefix and message are copied together: one small copy costs less than a second buffer on its way. */
const JOINED_BYTES = 16 << 10;
/** Room for an unfinished message: so many times what came of it, so that it moves seldom and costs its sender something. */
const ROOM_FACTOR = 8;
const EMPTY = Buffer.alloc(0);

/**
 * Cuts a stream of bytes into messages. A length above the limit is refused before any of the message is kept, and what is
 * kept of an unfinished message grows with what really came, not with the length that was announced.
 */
export class MessageReader {
  readonly #limit: number;
  #chunk: Buffer = EMPTY;
  #at = 0;
  /** The start of a message, prefix included, that the chunks so far did not complete. */
  #held: Buffer = EMPTY;
  #filled = 0;
  #compressed = false;
  readonly #counted: HeldBytes | undefined;

  /** @param limit largest message in bytes, as it comes @param counted counts what is kept of an unfinished message */
  constructor(limit: number, counted?: HeldBytes) {
    this.#limit = limit;
    this.#counted = counted;
  }

  /** True when the message that `next` gave last is compressed. */
  get compressed(): boolean {
    return this.#compressed;
  }

  /** True when bytes are left that are no whole message yet. */
  get unfinished(): boolean {
    return this.#filled > 0 || this.#at < this.#chunk.length;
  }

  /** Takes bytes as they came. The reader keeps no part of them beyond the `next` that returned undefined. */
  add(chunk: Buffer): void {
    const rest = this.#chunk.length - this.#at;
    this.#chunk = rest === 0 ? chunk : Buffer.concat([this.#chunk.subarray(this.#at), chunk]);
    this.#at = 0;
  }

  /**
   * @returns the next message, mostly a view of the chunk; undefined when more bytes are needed
   * @throws ProtocolError resource_exhausted for a length above the limit, internal for a prefix that is none
   */
  next(): Buffer | undefined {
    if (this.#filled > 0) return this.#continueHeld();
    const left = this.#chunk.length - this.#at;
    let end = PREFIX;
    if (left >= PREFIX) {
      end += this.#sizeIn(this.#chunk, this.#at);
      if (left >= end) {
        const from = this.#at + PREFIX;
        this.#at += end;
        return this.#chunk.subarray(from, this.#at);
      }
    }
    if (left > 0) this.#hold(left, end);
    this.#chunk = EMPTY;
    this.#at = 0;
    return undefined;
  }

  #continueHeld(): Buffer | undefined {
    if (this.#filled < PREFIX && !this.#fill(PREFIX)) return undefined;
    const end = PREFIX + this.#sizeIn(this.#held, 0);
    if (!this.#fill(end)) return undefined;
    const message = this.#held.subarray(PREFIX, end);
    this.#letGo();
    return message;
  }

  /** Forgets what is there: nothing more will be asked for. */
  discard(): void {
    this.#letGo();
    this.#chunk = EMPTY;
    this.#at = 0;
  }

  #letGo(): void {
    this.#counted?.remove(this.#held.length);
    this.#held = EMPTY;
    this.#filled = 0;
  }

  /** @returns true when the first `end` bytes of the message are held */
  #fill(end: number): boolean {
    const take = Math.min(end - this.#filled, this.#chunk.length - this.#at);
    if (take > 0) this.#hold(take, end);
    return this.#filled === end;
  }

  /** @param end length of what is wanted, prefix included */
  #hold(bytes: number, end: number): void {
    const filled = this.#filled + bytes;
    if (filled > this.#held.length) {
      const room = Math.min(end, ROOM_FACTOR * filled);
      this.#counted?.add(room - this.#held.length);
      const larger = Buffer.allocUnsafeSlow(room);
      this.#held.copy(larger, 0, 0, this.#filled);
      this.#held = larger;
    }
    this.#chunk.copy(this.#held, this.#filled, this.#at, this.#at + bytes);
    this.#at += bytes;
    this.#filled = filled;
  }

  #sizeIn(bytes: Buffer, at: number): number {
    const flag = bytes[at] as number;
    if (flag > 1) throw new ProtocolError("internal", `a message begins with the byte ${flag}; 0 and 1 are known`);
    const size = bytes.readUInt32BE(at + 1);
    if (size > this.#limit)
      throw new ProtocolError(
        "resource_exhausted",
        `a message of ${size} bytes is larger than the limit of ${this.#limit}`,
      );
    this.#compressed = flag === 1;
    return size;
  }
}

/** A message with its prefix, as one buffer. @param compressed says so in the prefix */
export function framed(message: Uint8Array, compressed = false): Buffer {
  const size = message.length;
  const out = Buffer.allocUnsafe(PREFIX + size);
  out[0] = Number(compressed);
  out.writeUInt32BE(size, 1);
  out.set(message, PREFIX);
  return out;
}

/** Writes the last message; small ones and the end of the stream go in one step. */
export function endWithMessage(out: Writable, message: Uint8Array, compressed = false): void {
  if (message.length <= JOINED_BYTES) out.end(framed(message, compressed));
  else {
    writeMessage(out, message, undefined, compressed);
    out.end();
  }
}

/**
 * Writes a message with its prefix. A large one is not copied: its bytes must not change until it was sent.
 * @param written called when the connection took it, or with the error that prevented it
 */
export function writeMessage(
  out: Writable,
  message: Uint8Array,
  written?: (error?: Error | null) => void,
  compressed = false,
): void {
  if (message.length <= JOINED_BYTES) {
    out.write(framed(message, compressed), written);
    return;
  }
  const prefix = Buffer.alloc(PREFIX);
  prefix[0] = Number(compressed);
  prefix.writeUInt32BE(message.length, 1);
  out.cork();
  out.write(prefix);
  out.write(asBuffer(message), written);
  out.uncork();
}
