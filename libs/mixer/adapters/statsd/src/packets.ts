/** Lines on their way, gathered into datagrams. */
export class Packets {
  readonly #maxBytes: number;
  readonly #send: (datagram: string) => void;
  #lines: string[] = [];
  #bytes = 0;

  /** @param maxBytes a datagram is sent before it would have more; a longer line is one of its own */
  constructor(maxBytes: number, send: (datagram: string) => void) {
    this.#maxBytes = maxBytes;
    this.#send = send;
  }

  add(line: string): void {
    const bytes = Buffer.byteLength(line);
    if (this.#bytes > 0 && this.#bytes + 1 + bytes > this.#maxBytes) this.flush();
    this.#bytes += bytes + (this.#lines.length > 0 ? 1 : 0);
    this.#lines.push(line);
    if (this.#bytes >= this.#maxBytes) this.flush();
  }

  flush(): void {
    if (this.#lines.length === 0) return;
    const datagram = this.#lines.join("\n");
    this.#lines = [];
    this.#bytes = 0;
    this.#send(datagram);
  }
}
