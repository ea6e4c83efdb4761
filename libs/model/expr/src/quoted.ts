import { ExpressionError } from "./expression-error.ts";

const SIMPLE: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  "\\": 92,
  "'": 39,
  '"': 34,
};

/**
 * Reads a literal in `"..."`, `` `...` `` or `'c'` with Go's escapes.
 * @param at the offset of the opening quote
 * @returns the value and the offset after the closing quote
 * @throws ExpressionError
 */
export function readQuoted(text: string, at: number): { value: string; end: number } {
  const quote = text[at] as string;
  if (quote === "`") {
    const end = text.indexOf("`", at + 1);
    if (end < 0) throw new ExpressionError(text, at, "the raw string has no closing `");
    return { value: text.slice(at + 1, end).replaceAll("\r", ""), end: end + 1 };
  }
  // Escapes give bytes, of which several may make one character; so all is collected as UTF-8.
  const parts: Buffer[] = [];
  let count = 0;
  let i = at + 1;
  for (;;) {
    const code = text.codePointAt(i);
    if (code === undefined || code === 10) throw new ExpressionError(text, at, `the string has no closing ${quote}`);
    const character = String.fromCodePoint(code);
    if (character === quote) break;
    count++;
    if (character === "\\") {
      const { bytes, end } = readEscape(text, i, quote);
      parts.push(bytes);
      i = end;
    } else {
      parts.push(Buffer.from(character));
      i += character.length;
    }
  }
  if (quote === "'" && count !== 1)
    throw new ExpressionError(text, at, "single quotes hold exactly one character; write strings in double quotes");
  return { value: Buffer.concat(parts).toString("utf8"), end: i + 1 };
}

function readEscape(text: string, at: number, quote: string): { bytes: Buffer; end: number } {
  const letter = text[at + 1] ?? "";
  const simple = SIMPLE[letter];
  if (simple !== undefined && !((letter === '"' || letter === "'") && letter !== quote))
    return { bytes: Buffer.from([simple]), end: at + 2 };
  const fail = (): never => {
    throw new ExpressionError(text, at, `"\\${letter}" is not a valid escape`);
  };
  const digits = (pattern: RegExp, from: number): string => {
    pattern.lastIndex = from;
    return pattern.exec(text)?.[0] ?? fail();
  };
  if (/[0-7]/.test(letter)) {
    const octal = digits(/[0-7]{3}/y, at + 1);
    const value = Number.parseInt(octal, 8);
    return value > 255 ? fail() : { bytes: Buffer.from([value]), end: at + 4 };
  }
  if (letter === "x") {
    return { bytes: Buffer.from([Number.parseInt(digits(/[0-9a-fA-F]{2}/y, at + 2), 16)]), end: at + 4 };
  }
  if (letter === "u" || letter === "U") {
    const hex = digits(letter === "u" ? /[0-9a-fA-F]{4}/y : /[0-9a-fA-F]{8}/y, at + 2);
    const code = Number.parseInt(hex, 16);
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) fail();
    return { bytes: Buffer.from(String.fromCodePoint(code)), end: at + 2 + hex.length };
  }
  return fail();
}
