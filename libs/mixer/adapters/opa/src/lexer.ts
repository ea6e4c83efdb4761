export interface Token {
  readonly type: "name" | "number" | "string" | "mark" | "end";
  readonly text: string;
  /** Of a string its value. */
  readonly value?: string;
  readonly line: number;
  readonly column: number;
  /** Whether a line begins here. */
  readonly isFirst: boolean;
  /** Whether white space stands before it. */
  readonly isApart: boolean;
}

/** What is wrong in a module, with its place. */
export class RegoError extends Error {}

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y;
const STRING = /"(?:[^"\\\n]|\\.)*"/y;
const RAW = /`[^`]*`/y;
const MARK = /:=|==|!=|<=|>=|[-+*/%=<>|&{}()[\].,;:]/y;

/** Splits a module into tokens. @throws RegoError for what is none */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let [at, line, start, isFirst, isApart] = [0, 1, 0, true, true];
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  const push = (type: Token["type"], found: string, value?: string): void => {
    tokens.push({
      ...{ type, text: found, line, column: at - start + 1, isFirst, isApart },
      ...(value === undefined ? {} : { value }),
    });
    at += found.length;
    isFirst = false;
    isApart = false;
  };
  while (at < text.length) {
    const char = text[at] as string;
    if (char === "\n") {
      at++;
      line++;
      start = at;
      isFirst = true;
      isApart = true;
      continue;
    }
    if (/\s/.test(char)) {
      at++;
      isApart = true;
      continue;
    }
    if (char === "#") {
      while (at < text.length && text[at] !== "\n") at++;
      continue;
    }
    const name = match(NAME);
    if (name) {
      push("name", name);
      continue;
    }
    const number = match(NUMBER);
    if (number) {
      push("number", number);
      continue;
    }
    const quoted = match(STRING);
    if (quoted) {
      let value: string;
      try {
        value = JSON.parse(quoted) as string;
      } catch {
        throw new RegoError(`line ${line}, column ${at - start + 1}: ${quoted} has an escape that is not understood`);
      }
      push("string", quoted, value);
      continue;
    }
    const raw = match(RAW);
    if (raw) {
      const lines = raw.split("\n");
      push("string", raw, raw.slice(1, -1));
      line += lines.length - 1;
      if (lines.length > 1) start = at - (lines.at(-1) as string).length;
      continue;
    }
    const mark = match(MARK);
    if (!mark) throw new RegoError(`line ${line}, column ${at - start + 1}: ${JSON.stringify(char)} is not understood`);
    push("mark", mark);
  }
  tokens.push({
    type: "end",
    text: "the end of the module",
    line,
    column: at - start + 1,
    isFirst: true,
    isApart: true,
  });
  return tokens;
}
