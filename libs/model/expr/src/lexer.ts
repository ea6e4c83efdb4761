import { ExpressionError } from "./expression-error.ts";
import { readQuoted } from "./quoted.ts";
import { OPERATORS, type Token } from "./token.ts";

const SPACE = /[ \t\r]+/y;
const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const NAME = /[\p{L}_][\p{L}\p{Nd}_]*/uy;
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d*)?/y;
/** After these a line may not end, unless the expression ends too: Go puts a semicolon there. */
const ENDS = new Set([")", "]", "}"]);

/**
 * Cuts an expression into tokens by the rules of Go's scanner (docs/reference/mixer.md §4.2).
 * @throws ExpressionError
 */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const match = (pattern: RegExp, at: number): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  for (let at = 0; at < text.length; ) {
    const skipped = match(SPACE, at) ?? match(COMMENT, at);
    if (skipped !== undefined) {
      if (skipped.includes("\n") && closes(tokens.at(-1))) tokens.push({ kind: "newline", text: "newline", at });
      at += skipped.length;
      continue;
    }
    const first = text[at] as string;
    if (first === "\n") {
      if (closes(tokens.at(-1))) tokens.push({ kind: "newline", text: "newline", at });
      at++;
      continue;
    }
    if (text.startsWith("/*", at)) throw new ExpressionError(text, at, "the comment has no end");
    if (first === '"' || first === "`" || first === "'") {
      const { value, end } = readQuoted(text, at);
      tokens.push({ kind: "string", text: value, at });
      at = end;
      continue;
    }
    const name = match(NAME, at);
    if (name !== undefined) {
      tokens.push({ kind: "name", text: name, at });
      at += name.length;
      continue;
    }
    const number = match(NUMBER, at);
    if (number !== undefined) {
      const after = match(NAME, at + number.length);
      if (after !== undefined)
        throw new ExpressionError(text, at, `"${number}${after}" is not a number; write it in decimal digits`);
      if (/[eE][+-]?$/.test(number)) throw new ExpressionError(text, at, `the exponent of "${number}" has no digits`);
      if (/^0\d*[89]\d*$/.test(number))
        throw new ExpressionError(text, at, `"${number}" is not a number: digits after a leading 0 go up to 7`);
      tokens.push({ kind: /^\d+$/.test(number) ? "int" : "float", text: number, at });
      at += number.length;
      continue;
    }
    const operator = OPERATORS.find((each) => text.startsWith(each, at));
    if (operator === undefined) {
      const character = String.fromCodePoint(text.codePointAt(at) as number);
      throw new ExpressionError(text, at, `the character "${character}" has no meaning here`);
    }
    tokens.push({ kind: "operator", text: operator, at });
    at += operator.length;
  }
  if (tokens.at(-1)?.kind === "newline") tokens.pop();
  tokens.push({ kind: "end", text: "the end", at: text.length });
  return tokens;
}

function closes(token: Token | undefined): boolean {
  if (!token) return false;
  return token.kind === "operator" ? ENDS.has(token.text) : token.kind !== "newline";
}
