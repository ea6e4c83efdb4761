import { XebecError } from "@xebec/core-errors";

/** Tags of DER values that X.509 uses (X.690, section 8). */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Encodes one value: tag, length, and the parts one after the other. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  const lengthBytes = length < 0x80 ? 0 : length < 0x1_00 ? 1 : length < 0x1_00_00 ? 2 : 3;
  const result = Buffer.allocUnsafe(2 + lengthBytes + length);
  result[0] = tag;
  if (lengthBytes === 0) result[1] = length;
  else {
    result[1] = 0x80 | lengthBytes;
    result.writeUIntBE(length, 2, lengthBytes);
  }
  let at = 2 + lengthBytes;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

/** A positive integer from its big-endian bytes; zeros before it are dropped, one is added when the sign needs it. */
export function derInteger(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const digits = bytes.subarray(start);
  return (digits[0] ?? 0) & 0x80 ? der(TAG.integer, Buffer.of(0), digits) : der(TAG.integer, digits);
}

/** An object identifier from its dotted form. */
export function derOid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const digits = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
    return digits;
  });
  return der(TAG.oid, Buffer.from(bytes));
}

/** A point in time as X.509 wants it: UTCTime until 2049, GeneralizedTime after (RFC 5280, section 4.1.2.5). */
export function derTime(time: Date): Buffer {
  const text = `${time.toISOString().slice(0, 19).replace(/[-:T]/g, "")}Z`;
  return time.getUTCFullYear() < 2050
    ? der(TAG.utcTime, Buffer.from(text.slice(2), "latin1"))
    : der(TAG.generalizedTime, Buffer.from(text, "latin1"));
}

/** One value that was read. */
export interface DerValue {
  readonly tag: number;
  readonly content: Buffer;
  /** Tag, length and content. */
  readonly whole: Buffer;
}

/** Reads the values that stand one after the other in a piece of DER. Every length is checked against what is there. */
export class DerReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /**
   * Reads the next value.
   * @param tag the tag that it must have; absent: any
   * @throws XebecError invalid_argument when it is cut off, has another tag, or is not in DER's shortest form
   */
  next(tag?: number): DerValue {
    const bytes = this.#bytes;
    const start = this.#at;
    const found = bytes[start];
    const first = bytes[start + 1];
    if (found === undefined || first === undefined) throw broken("it ends too early");
    if ((found & 0x1f) === 0x1f) throw broken("a tag is too large");
    if (tag !== undefined && found !== tag) throw broken(`tag ${found} stands where ${tag} belongs`);
    let length = first;
    let at = start + 2;
    if (first >= 0x80) {
      const count = first & 0x7f;
      if (count === 0 || count > 3 || at + count > bytes.length) throw broken("a length is not valid");
      length = bytes.readUIntBE(at, count);
      if (length < 0x80 || length < 1 << (8 * (count - 1))) throw broken("a length is not in its shortest form");
      at += count;
    }
    const end = at + length;
    if (end > bytes.length) throw broken("it ends too early");
    this.#at = end;
    return { tag: found, content: bytes.subarray(at, end), whole: bytes.subarray(start, end) };
  }

  /** Reads the next value only when it has the tag. */
  optional(tag: number): DerValue | undefined {
    return this.#bytes[this.#at] === tag ? this.next(tag) : undefined;
  }

  /** @throws XebecError invalid_argument when something is left */
  end(): void {
    if (!this.done) throw broken("something follows its end");
  }
}

function broken(why: string): XebecError {
  return new XebecError("invalid_argument", `the DER structure is broken: ${why}`);
}
