/** The kinds of tokens; an operator's or bracket's kind is its text. */
export type TokenKind = "name" | "int" | "float" | "string" | "operator" | "newline" | "end";

export interface Token {
  readonly kind: TokenKind;
  /** As written; of a string its value. */
  readonly text: string;
  /** Offset of the first character. */
  readonly at: number;
}

/** Words that Go keeps for itself, so no path segment may be one of them. */
export const KEYWORDS: ReadonlySet<string> = new Set(
  `break case chan const continue default defer else fallthrough for func go goto if import interface map package range return
  select struct switch type var`.split(/\s+/),
);

/** All operators and delimiters of Go's expressions, longest first. */
export const OPERATORS: readonly string[] =
  "&^= <<= >>= ... && || <- ++ -- == != <= >= := += -= *= /= %= &= |= ^= << >> &^ + - * / % & | ^ < > = ! ( ) [ ] { } , ; . : ~ @ # $ ?".split(
    " ",
  );
