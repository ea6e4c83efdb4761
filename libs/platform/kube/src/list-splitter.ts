import { XebecError } from "@xebec/core-errors";

const [QUOTE, ESCAPE, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST, COMMA] = Buffer.from('"\\{}[],');

/** Largest object; an API server takes 3 MiB at the most. */
const MAX_OBJECT_BYTES = 8 << 20;
/** Everything of a list but its objects. */
const MAX_HEAD_BYTES = 1 << 20;

/**
 * Takes the objects of a list apart as its bytes come, so that no list is ever held whole. What else the list says is `head`, at the
 * end: servers write the metadata before or behind the objects.
 */
export class ListSplitter {
  readonly #item: (bytes: Buffer) => void;
  readonly #what: string;
  #depth = 0;
  #isString = false;
  #isEscaped = false;
  /** Within `items` of the list itself. */
  #isItems = false;
  /** Where the last string at the first level began, while it may be a key. */
  #key: number[] | undefined;
  #lastKey = "";
  #parts: Buffer[] = [];
  #size = 0;
  #head: number[] = [];

  /** @param item gets the bytes of each object; what it throws is thrown by `add` */
  constructor(what: string, item: (bytes: Buffer) => void) {
    this.#what = what;
    this.#item = item;
  }

  /** @throws XebecError resource_exhausted for an object that is too large */
  add(chunk: Buffer): void {
    let start = this.#isInObject ? 0 : -1;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] as number;
      if (this.#isInObject) {
        if (this.#step(byte) && this.#depth === 2) {
          this.#take(chunk.subarray(start, i + 1));
          this.#end();
          start = -1;
        }
        continue;
      }
      if (this.#isItems && byte === OPEN) {
        start = i;
        this.#step(byte);
        continue;
      }
      // Between the objects there are only commas and spaces.
      if (this.#isItems && byte !== CLOSE_LIST) continue;
      this.#outside(byte);
    }
    if (start >= 0) this.#take(chunk.subarray(start));
  }

  /** What the list says besides its objects. @throws XebecError data_loss for a list that is cut off */
  head(): Readonly<Record<string, unknown>> {
    try {
      return JSON.parse(Buffer.from(this.#head).toString("utf8")) as Readonly<Record<string, unknown>>;
    } catch (error) {
      throw new XebecError("data_loss", `${this.#what}: the list is cut off`, { cause: error });
    }
  }

  get #isInObject(): boolean {
    return this.#isItems && this.#depth > 2;
  }

  /** Follows strings and brackets. @returns true when a bracket closed */
  #step(byte: number): boolean {
    if (this.#isString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === ESCAPE) this.#isEscaped = true;
      else if (byte === QUOTE) this.#isString = false;
      return false;
    }
    if (byte === QUOTE) this.#isString = true;
    else if (byte === OPEN || byte === OPEN_LIST) this.#depth++;
    else if (byte === CLOSE || byte === CLOSE_LIST) {
      this.#depth--;
      return true;
    }
    return false;
  }

  #outside(byte: number): void {
    this.#head.push(byte);
    if (this.#head.length > MAX_HEAD_BYTES)
      throw new XebecError("resource_exhausted", `${this.#what}: the list says more than 1 MiB besides its objects`);
    const wasString = this.#isString;
    const isOpening = !wasString && byte === OPEN_LIST && this.#depth === 1 && this.#lastKey === "items";
    this.#step(byte);
    if (isOpening) this.#isItems = true;
    else if (this.#isItems && byte === CLOSE_LIST && !wasString) this.#isItems = false;
    if (this.#depth !== 1) return;
    if (!wasString && byte === QUOTE) this.#key = [];
    else if (wasString && !this.#isString) this.#lastKey = Buffer.from(this.#key ?? []).toString("utf8");
    else if (wasString) this.#key?.push(byte);
    else if (byte === COMMA) this.#lastKey = "";
  }

  #take(bytes: Buffer): void {
    this.#size += bytes.length;
    if (this.#size > MAX_OBJECT_BYTES)
      throw new XebecError("resource_exhausted", `${this.#what}: an object has more than ${MAX_OBJECT_BYTES} bytes`);
    this.#parts.push(bytes);
  }

  #end(): void {
    const [only] = this.#parts;
    const bytes = this.#parts.length === 1 && only ? only : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#size = 0;
    this.#item(bytes);
  }
}
