import { XebecError } from "@xebec/core-errors";

const MAX_KEY_BYTES = 500;

/** @throws XebecError invalid_argument when a text cannot be a key */
export function checkKey(key: string): void {
  const bytes = Buffer.byteLength(key);
  if (bytes === 0 || bytes > MAX_KEY_BYTES || !key.isWellFormed())
    throw new XebecError("invalid_argument", `a key on the bus has 1 to ${MAX_KEY_BYTES} bytes, not ${bytes}`);
}

/**
 * Writes a key with the characters that NATS allows in a subject. Letters, digits, `-`, `_`, `/` and single inner dots stay;
 * every other byte of its UTF-8 form becomes `=XX`.
 */
export function encodeKey(key: string): string {
  checkKey(key);
  if (/^[\w/-]+(?:\.[\w/-]+)*$/.test(key)) return key;
  let text = "";
  const bytes = Buffer.from(key);
  for (const [i, byte] of bytes.entries()) {
    const char = String.fromCharCode(byte);
    const plain = byte < 0x80 && /[\w/-]/.test(char);
    const innerDot = char === "." && i > 0 && i < bytes.length - 1 && bytes[i - 1] !== 0x2e;
    text += plain || innerDot ? char : `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return text;
}

/** Reads what `encodeKey` wrote. */
export function decodeKey(text: string): string {
  if (!text.includes("=")) return text;
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "=") {
      bytes.push(Number.parseInt(text.slice(i + 1, i + 3), 16));
      i += 2;
    } else bytes.push(text.charCodeAt(i));
  }
  return Buffer.from(bytes).toString();
}
