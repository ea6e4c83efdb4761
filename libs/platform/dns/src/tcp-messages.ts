const LENGTH_BYTES = 2;

/** Takes the messages of a TCP connection apart: each has its length in front of it (RFC 1035, section 4.2.2). */
export class MessageReader {
  readonly #onMessage: (message: Buffer) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(onMessage: (message: Buffer) => void) {
    this.#onMessage = onMessage;
  }

  /** No more than one message is kept: its length has 16 bits. */
  read(bytes: Buffer): void {
    this.#rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes;
    while (this.#rest.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + this.#rest.readUInt16BE(0);
      if (this.#rest.length < end) return;
      const message = this.#rest.subarray(LENGTH_BYTES, end);
      this.#rest = this.#rest.subarray(end);
      this.#onMessage(Buffer.from(message));
    }
  }
}

/** A message as it is sent over TCP. */
export function withLength(message: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES + message.length);
  bytes.writeUInt16BE(message.length, 0);
  message.copy(bytes, LENGTH_BYTES);
  return bytes;
}
