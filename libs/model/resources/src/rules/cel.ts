import { regexError } from "./regex.ts";

// The syntax of CEL (https://github.com/google/cel-spec), as far as Envoy takes it: without comprehensions, messages and text conversion.

const MAX_LENGTH = 4096;
const MAX_DEPTH = 24;

const FUNCTIONS = new Set("bool bytes double duration dyn has int matches size timestamp type uint".split(" "));
const METHODS = new Set(
  "contains endsWith getDate getDayOfMonth getDayOfWeek getDayOfYear getFullYear getHours getMilliseconds getMinutes getMonth getSeconds matches size startsWith".split(
    " ",
  ),
);
const MACROS = new Set(["all", "exists", "exists_one", "map", "filter"]);
const RESERVED = new Set(
  "as break const continue else for function if import let loop package namespace return var void while".split(" "),
);

const TOKEN =
  /\s+|\/\/[^\n]*|([bB]?[rR]?|[rR][bB])("""[\s\S]*?"""|'''[\s\S]*?'''|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|0x[0-9a-fA-F]+u?|\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\d+[uU]?|[_a-zA-Z][_a-zA-Z0-9]*|&&|\|\||[<>=!]=|[-+*/%<>!?:.,()[\]{}]/y;

const BINARY: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["<", "<=", ">", ">=", "==", "!=", "in"],
  ["+", "-"],
  ["*", "/", "%"],
];

/**
 * Says why Envoy would refuse an expression, and with it the whole listener; undefined when it takes it.
 * @param text an expression of CEL
 */
export function celError(text: string): string | undefined {
  if (text.length > MAX_LENGTH) return `is longer than ${MAX_LENGTH} characters`;
  try {
    new Parser(text).whole();
    return undefined;
  } catch (error) {
    if (error instanceof CelError) return error.message;
    throw error;
  }
}

/** An expression whose value becomes text, without a conversion to text around it, which Envoy does not have. */
export function withoutTextConversion(text: string): string {
  const inner = /^\s*string\s*\(([\s\S]*)\)\s*$/.exec(text)?.[1];
  return inner !== undefined && celError(inner) === undefined ? inner.trim() : text;
}

class CelError extends Error {}

class Parser {
  readonly #tokens: string[] = [];
  #at = 0;

  constructor(text: string) {
    TOKEN.lastIndex = 0;
    let end = 0;
    while (end < text.length) {
      const token = TOKEN.exec(text)?.[0];
      if (token === undefined) throw new CelError(`is not an expression at "${text.slice(end, end + 20)}"`);
      end = TOKEN.lastIndex;
      if (!/^(\s|\/\/)/.test(token)) this.#tokens.push(token);
    }
  }

  whole(): void {
    this.#conditional(0);
    if (this.#at < this.#tokens.length) this.#fail();
  }

  get #token(): string {
    return this.#tokens[this.#at] ?? "";
  }

  #take(token: string): boolean {
    if (this.#token !== token) return false;
    this.#at++;
    return true;
  }

  #expect(token: string): void {
    if (!this.#take(token)) this.#fail(`, where ${token} is expected`);
  }

  #fail(more = ""): never {
    throw new CelError(`is not an expression at ${this.#token ? `"${this.#token}"` : "its end"}${more}`);
  }

  #conditional(depth: number): void {
    if (depth > MAX_DEPTH) throw new CelError(`is nested deeper than ${MAX_DEPTH} levels`);
    this.#binary(0, depth);
    if (!this.#take("?")) return;
    this.#binary(0, depth);
    this.#expect(":");
    this.#conditional(depth + 1);
  }

  #binary(level: number, depth: number): void {
    const operators = BINARY[level];
    if (!operators) {
      this.#unary(depth);
      return;
    }
    this.#binary(level + 1, depth);
    while (operators.includes(this.#token)) {
      this.#at++;
      this.#binary(level + 1, depth);
    }
  }

  #unary(depth: number): void {
    let count = 0;
    while (this.#token === "!" || this.#token === "-") {
      this.#at++;
      if (++count > MAX_DEPTH) throw new CelError("has too many signs");
    }
    this.#primary(depth);
    for (;;) {
      if (this.#take("[")) {
        this.#conditional(depth + 1);
        this.#expect("]");
      } else if (this.#take(".")) this.#member(depth);
      else return;
    }
  }

  #member(depth: number): void {
    const name = this.#name();
    if (!this.#take("(")) return;
    if (MACROS.has(name)) throw new CelError(`uses ${name}(), which Envoy does not allow`);
    if (!METHODS.has(name)) throw new CelError(`uses .${name}(), which Envoy does not have`);
    const first = this.#token;
    this.#list(")", depth);
    if (name === "matches") this.#checkPattern(first);
  }

  #checkPattern(token: string): void {
    const pattern = /^[rR]?(["'])(.*)\1$/s.exec(token)?.[2];
    const error =
      pattern === undefined || (pattern.includes("\\") && !/^[rR]/.test(token)) ? undefined : regexError(pattern);
    if (error !== undefined) throw new CelError(`has a regular expression that ${error}`);
  }

  #name(): string {
    const name = this.#token;
    if (!/^[_a-zA-Z]/.test(name) || RESERVED.has(name) || /["']/.test(name)) this.#fail();
    this.#at++;
    return name;
  }

  #primary(depth: number): void {
    const token = this.#token;
    if (this.#take("(")) {
      this.#conditional(depth + 1);
      this.#expect(")");
    } else if (this.#take("[")) this.#list("]", depth);
    else if (this.#take("{")) this.#map(depth);
    else if (/^\d|["']/.test(token)) this.#at++;
    else {
      this.#take(".");
      if (this.#token === "in") this.#fail();
      const name = this.#name();
      if (this.#token === "{") throw new CelError(`makes a message ${name}, which Envoy does not allow`);
      if (!this.#take("(")) return;
      if (name === "string") throw new CelError("uses string(), which Envoy does not have");
      if (!FUNCTIONS.has(name)) throw new CelError(`uses ${name}(), which Envoy does not have`);
      this.#list(")", depth);
    }
  }

  #list(end: string, depth: number): void {
    while (!this.#take(end)) {
      this.#conditional(depth + 1);
      if (!this.#take(",") && this.#token !== end) this.#fail(`, where ${end} is expected`);
    }
  }

  #map(depth: number): void {
    while (!this.#take("}")) {
      this.#conditional(depth + 1);
      this.#expect(":");
      this.#conditional(depth + 1);
      if (!this.#take(",") && this.#token !== "}") this.#fail(", where } is expected");
    }
  }
}
