import { XebecError } from "@xebec/core-errors";

const NEWLINE = 0x0a;
/** An event has its object, and a few bytes more. */
const MAX_LINE_BYTES = 8 << 20;

/** Takes a stream of lines apart as its bytes come. */
export class LineSplitter {
  readonly #what: string;
  #parts: Buffer[] = [];
  #size = 0;

  constructor(what: string) {
    this.#what = what;
  }

  /** @returns the lines that are complete now, without those that are empty. @throws XebecError resource_exhausted */
  *add(chunk: Buffer): Generator<Buffer> {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const piece = chunk.subarray(start, end);
      start = end + 1;
      const line = this.#parts.length > 0 ? Buffer.concat([...this.#parts, piece]) : piece;
      this.#parts = [];
      this.#size = 0;
      if (line.length > 0) yield line;
    }
    const rest = chunk.subarray(start);
    if (rest.length === 0) return;
    this.#size += rest.length;
    if (this.#size > MAX_LINE_BYTES)
      throw new XebecError("resource_exhausted", `${this.#what}: an event has more than ${MAX_LINE_BYTES} bytes`);
    this.#parts.push(rest);
  }
}
