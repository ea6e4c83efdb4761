import { int64, parseGoDuration } from "@xebec/model-attributes";
import type { Expression } from "./ast.ts";
import { ExpressionError } from "./expression-error.ts";
import { tokenize } from "./lexer.ts";
import { KEYWORDS, type Token } from "./token.ts";

/** Longest expression, most tokens and deepest nesting: expressions come from users. */
const MAX_LENGTH = 65_536;
const MAX_TOKENS = 4_096;
const MAX_DEPTH = 200;

const PRECEDENCE: Readonly<Record<string, number>> = {
  "||": 1,
  "&&": 2,
  ...Object.fromEntries(["==", "!=", "<", "<=", ">", ">="].map((each) => [each, 3])),
  ...Object.fromEntries(["+", "-", "|", "^"].map((each) => [each, 4])),
  ...Object.fromEntries(["*", "/", "%", "<<", ">>", "&", "&^"].map((each) => [each, 5])),
};

const FUNCTION_OF: Readonly<Record<string, string>> = {
  "||": "LOR",
  "&&": "LAND",
  "==": "EQ",
  "!=": "NEQ",
  "<": "LT",
  "<=": "LEQ",
  ">": "GT",
  ">=": "GEQ",
  "+": "ADD",
  "|": "OR",
};

/**
 * Parses an expression (docs/reference/mixer.md §4.2).
 * @throws ExpressionError with line and column
 */
export function parse(text: string): Expression {
  if (text.length > MAX_LENGTH)
    throw new ExpressionError(text, 0, `the expression is longer than ${MAX_LENGTH} characters`);
  if (text.trim() === "") throw new ExpressionError(text, 0, "the expression is empty");
  return new Parser(text).whole();
}

/** What a primary can be while it is read: only some forms may have a method called on them. */
type Primary =
  | { readonly form: "value"; readonly value: Expression }
  /** A value that only brackets make usable as a receiver. */
  | { readonly form: "index"; readonly value: Expression }
  | { readonly form: "name"; readonly segments: readonly Token[] };

class Parser {
  readonly #text: string;
  readonly #tokens: Token[];
  #next = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokenize(text);
    if (this.#tokens.length > MAX_TOKENS)
      throw new ExpressionError(text, 0, `the expression has more than ${MAX_TOKENS} names, values and operators`);
  }

  whole(): Expression {
    const value = this.#binary(1);
    const rest = this.#peek();
    if (rest.kind === "newline")
      throw this.#error(
        rest,
        "the expression ends here; break a line only after an operator, a comma or an opening bracket",
      );
    if (rest.kind !== "end") throw this.#unexpected(rest);
    return value;
  }

  #binary(least: number): Expression {
    if (++this.#depth > MAX_DEPTH) throw this.#error(this.#peek(), `nested deeper than ${MAX_DEPTH} levels`);
    let left = this.#unary();
    for (;;) {
      const operator = this.#peek();
      const precedence = operator.kind === "operator" ? (PRECEDENCE[operator.text] ?? 0) : 0;
      if (precedence < least) break;
      this.#next++;
      const right = this.#binary(precedence + 1);
      const name = FUNCTION_OF[operator.text];
      if (name === undefined) throw this.#error(operator, `the operator ${operator.text} is not part of the language`);
      left = { node: "call", at: operator.at, name, receiver: undefined, args: [left, right] };
    }
    this.#depth--;
    return left;
  }

  #unary(): Expression {
    const token = this.#peek();
    if (token.kind === "operator" && ["!", "-", "+", "^", "&", "*", "<-"].includes(token.text)) {
      const hint = token.text === "!" ? "; write x == false" : "";
      throw this.#error(token, `the unary operator ${token.text} is not part of the language${hint}`);
    }
    return this.#value(this.#primary());
  }

  #primary(): Primary {
    let primary = this.#operand();
    for (;;) {
      const token = this.#peek();
      if (token.kind !== "operator") return primary;
      if (token.text === ".") {
        this.#next++;
        primary = this.#selected(primary, this.#segment());
      } else if (token.text === "[") {
        this.#next++;
        const key = this.#binary(1);
        this.#expect("]");
        const args = [this.#value(primary), key];
        primary = { form: "index", value: { node: "call", at: token.at, name: "INDEX", receiver: undefined, args } };
      } else if (token.text === "(") {
        if (primary.form !== "name") throw this.#error(token, "only a function's name can be called");
        primary = { form: "value", value: this.#call(primary.segments) };
      } else return primary;
    }
  }

  /** A name after a value is a method and must be called. */
  #selected(primary: Primary, segment: Token): Primary {
    if (primary.form === "name") return { form: "name", segments: [...primary.segments, segment] };
    if (primary.form === "index")
      throw this.#error(segment, `unexpected expression: put brackets around the value before .${segment.text}`);
    if (this.#peek().text !== "(" || this.#peek().kind !== "operator")
      throw this.#error(segment, `a value has no attribute ${segment.text}; only a method can follow it`);
    this.#next++;
    const args = this.#arguments();
    return {
      form: "value",
      value: { node: "call", at: segment.at, name: segment.text, receiver: primary.value, args },
    };
  }

  #call(segments: readonly Token[]): Expression {
    this.#next++;
    const args = this.#arguments();
    const method = segments.at(-1) as Token;
    const receiver = segments.length > 1 ? this.#value({ form: "name", segments: segments.slice(0, -1) }) : undefined;
    return { node: "call", at: method.at, name: method.text, receiver, args };
  }

  #arguments(): Expression[] {
    const args: Expression[] = [];
    while (!this.#take(")")) {
      args.push(this.#binary(1));
      if (this.#take(",")) continue;
      this.#expect(")");
      break;
    }
    return args;
  }

  #operand(): Primary {
    const token = this.#peek();
    if (token.kind === "name") return { form: "name", segments: [this.#segment()] };
    this.#next++;
    if (token.kind === "operator" && token.text === "(") {
      const value = this.#binary(1);
      this.#expect(")");
      return { form: "value", value };
    }
    if (token.kind === "string") return { form: "value", value: textLiteral(token) };
    if (token.kind === "int") {
      const value = BigInt(token.text);
      if (value > 9_223_372_036_854_775_807n) throw this.#error(token, `${token.text} does not fit 64 bits`);
      return { form: "value", value: { node: "literal", at: token.at, type: "INT64", value: int64(value) } };
    }
    if (token.kind === "float") {
      const value = Number(token.text);
      if (!Number.isFinite(value)) throw this.#error(token, `${token.text} does not fit a double`);
      return { form: "value", value: { node: "literal", at: token.at, type: "DOUBLE", value } };
    }
    throw this.#unexpected(token);
  }

  #segment(): Token {
    const token = this.#peek();
    if (token.kind !== "name") throw this.#unexpected(token, "a name");
    if (KEYWORDS.has(token.text))
      throw this.#error(token, `"${token.text}" is a reserved word and cannot be part of a name`);
    this.#next++;
    return token;
  }

  #value(primary: Primary): Expression {
    if (primary.form !== "name") return primary.value;
    const [first] = primary.segments as readonly [Token];
    const name = primary.segments.map((each) => each.text).join(".");
    const folded = name.toLowerCase();
    if (folded === "true" || folded === "false")
      return { node: "literal", at: first.at, type: "BOOL", value: folded === "true" };
    return { node: "attribute", at: first.at, name };
  }

  #peek(): Token {
    return this.#tokens[this.#next] as Token;
  }

  #take(operator: string): boolean {
    const token = this.#peek();
    if (token.kind !== "operator" || token.text !== operator) return false;
    this.#next++;
    return true;
  }

  #expect(operator: string): void {
    if (!this.#take(operator)) throw this.#unexpected(this.#peek(), operator);
  }

  #unexpected(token: Token, wanted = "a value"): ExpressionError {
    const got = token.kind === "end" || token.kind === "newline" ? token.text : `"${token.text}"`;
    return this.#error(token, `expected ${wanted}, found ${got}`);
  }

  #error(token: Token, reason: string): ExpressionError {
    return new ExpressionError(this.#text, token.at, reason);
  }
}

/** A string that Go reads as a duration is one (docs/reference/mixer.md §4.1). */
function textLiteral(token: Token): Expression {
  const duration = parseGoDuration(token.text);
  return duration === undefined
    ? { node: "literal", at: token.at, type: "STRING", value: token.text }
    : { node: "literal", at: token.at, type: "DURATION", value: duration };
}
