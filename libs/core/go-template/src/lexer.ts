import { TemplateError } from "./template-error.ts";

/** A piece of a template: text that is written as it is, or an action in delimiters. */
export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly tokens: readonly Token[]; readonly line: number };

export interface Token {
  readonly kind: "word" | "variable" | "field" | "string" | "number" | "mark";
  /** The word, the name of the variable or field, the mark. */
  readonly text: string;
  /** Of a string or number. */
  readonly value?: string | number;
  /** Whether white space is before it. */
  readonly spaced: boolean;
}

export interface Delimiters {
  readonly left: string;
  readonly right: string;
}

const WORD = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER =
  /[-+]?(0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?|\.[0-9]+)/y;
const STRING = /"(?:[^"\\\n]|\\.)*"/y;
const RAW = /`[^`]*`/y;
const CHARACTER = /'(?:[^'\\\n]|\\.)'/y;
const MARK = /:=|[()|,=]/y;
const SPACE = /[ \t\r\n]+/y;
const COMMENT = /\/\*[\s\S]*?\*\//y;

/** Takes a template apart. @throws TemplateError with the line */
export function piecesOf(template: string, { left, right }: Delimiters): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let line = 1;
  let trimNext = false;
  const addText = (raw: string, trimEnd: boolean): void => {
    let text = raw;
    if (trimNext) text = text.replace(/^[ \t\r\n]+/, "");
    if (trimEnd) text = text.replace(/[ \t\r\n]+$/, "");
    if (text) pieces.push({ kind: "text", text });
  };
  for (;;) {
    const start = template.indexOf(left, at);
    if (start < 0) {
      addText(template.slice(at), false);
      return pieces;
    }
    const inside = start + left.length;
    const trims = template[inside] === "-" && /[ \t\r\n]/.test(template[inside + 1] ?? "");
    addText(template.slice(at, start), trims);
    line += lineBreaks(template, at, start);
    const action = readAction(template, inside + (trims ? 1 : 0), right, line);
    if (action.tokens.length > 0) pieces.push({ kind: "action", tokens: action.tokens, line });
    line += lineBreaks(template, start, action.end);
    at = action.end;
    trimNext = action.trims;
  }
}

function lineBreaks(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf("\n", from); at >= 0 && at < to; at = text.indexOf("\n", at + 1)) count++;
  return count;
}

function readAction(
  template: string,
  from: number,
  right: string,
  line: number,
): { readonly tokens: readonly Token[]; readonly end: number; readonly trims: boolean } {
  const tokens: Token[] = [];
  let at = from;
  let spaced = false;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(template)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const add = (token: Omit<Token, "spaced">): void => {
    tokens.push({ ...token, spaced });
    spaced = false;
  };
  for (;;) {
    if (match(SPACE) !== undefined) {
      spaced = true;
      continue;
    }
    if (spaced && template[at] === "-" && template.startsWith(right, at + 1))
      return { tokens, end: at + 1 + right.length, trims: true };
    if (template.startsWith(right, at)) return { tokens, end: at + right.length, trims: false };
    if (at >= template.length) throw new TemplateError(`the action has no end ${right}`, line);
    if (match(COMMENT) !== undefined) continue;
    const string = match(STRING);
    if (string !== undefined) {
      add({ kind: "string", text: string, value: unquote(string, line) });
      continue;
    }
    const raw = match(RAW);
    if (raw !== undefined) {
      add({ kind: "string", text: raw, value: raw.slice(1, -1) });
      continue;
    }
    const character = match(CHARACTER);
    if (character !== undefined) {
      const [value] = [...unquote(`"${character.slice(1, -1).replace("\\'", "'")}"`, line)];
      add({ kind: "number", text: character, value: value?.codePointAt(0) ?? 0 });
      continue;
    }
    const variable = template[at] === "$";
    if (variable) {
      at++;
      add({ kind: "variable", text: match(WORD) ?? "" });
      continue;
    }
    if (template[at] === "." && !/[0-9]/.test(template[at + 1] ?? "")) {
      at++;
      add({ kind: "field", text: match(WORD) ?? "" });
      continue;
    }
    const number = match(NUMBER);
    if (number !== undefined) {
      add({ kind: "number", text: number, value: Number(number.replaceAll("_", "").replace(/^\+/, "")) });
      continue;
    }
    const word = match(WORD);
    if (word !== undefined) {
      add({ kind: "word", text: word });
      continue;
    }
    const mark = match(MARK);
    if (mark === undefined) throw new TemplateError(`unexpected "${template.slice(at, at + 10).split("\n")[0]}"`, line);
    add({ kind: "mark", text: mark });
  }
}

const ESCAPES: Readonly<Record<string, string>> = { a: "\x07", v: "\v", "'": "'" };

function unquote(text: string, line: number): string {
  const json = text
    .replace(/\\([av'])/g, (_, name: string) => JSON.stringify(ESCAPES[name] as string).slice(1, -1))
    .replace(/\\x([0-9a-fA-F]{2})/g, "\\u00$1")
    .replaceAll("\t", "\\t");
  try {
    return JSON.parse(json) as string;
  } catch {
    throw new TemplateError(`${text} is not a string`, line);
  }
}
