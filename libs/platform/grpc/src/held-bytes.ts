import { ProtocolError } from "./protocol-error.ts";

/**
 * Counts what is kept of messages that nobody has answered yet, of one connection and with it of its server: a limit for one
 * message alone lets a caller that opens many calls and finishes none fill the memory.
 */
export class HeldBytes {
  readonly #limit: number;
  readonly #whole: HeldBytes | undefined;
  #held = 0;

  /** @param limit in bytes @param whole what this is a part of */
  constructor(limit: number, whole?: HeldBytes) {
    this.#limit = limit;
    this.#whole = whole;
  }

  get held(): number {
    return this.#held;
  }

  /** @throws ProtocolError resource_exhausted; then nothing is counted */
  add(bytes: number): void {
    if (this.#held + bytes > this.#limit)
      throw new ProtocolError(
        "resource_exhausted",
        `more than ${this.#limit} bytes of unfinished calls ${this.#whole ? "on this connection" : "at this server"}; end some first`,
      );
    this.#whole?.add(bytes);
    this.#held += bytes;
  }

  remove(bytes: number): void {
    this.#held -= bytes;
    this.#whole?.remove(bytes);
  }
}
