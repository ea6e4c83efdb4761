import type { Body, Literal, Plain, Term } from "./ast.ts";
import { RegoError, type Token, tokensOf } from "./lexer.ts";

/** Operators by how tight they bind, the loosest first, with the functions that they are. */
const LEVELS: readonly Readonly<Record<string, string>>[] = [
  { "==": "equal", "!=": "neq", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte" },
  { "|": "or" },
  { "&": "and" },
  { "+": "plus", "-": "minus" },
  { "*": "mul", "/": "div", "%": "rem" },
];

const WORDS: ReadonlySet<string> = new Set(
  "package import as default if else with not some every in contains true false null".split(" "),
);
/** Words that version 0 has not: they are names there. */
const NAMES_TOO: ReadonlySet<string> = new Set(["if", "every", "in", "contains"]);
/** Most levels of brackets: what is deeper would use up the stack. */
const MOST_DEPTH = 100;

/** Reads terms and bodies. */
export class TermParser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#tokens = tokensOf(text);
  }

  get token(): Token {
    return this.#tokens[this.#at] as Token;
  }

  next(): Token {
    return this.#tokens[this.#at++] as Token;
  }

  error(what: string): RegoError {
    const { line, column, text } = this.token;
    return new RegoError(`line ${line}, column ${column}: ${what}, not ${text}`);
  }

  /** Takes the token when it is this mark or word. */
  take(text: string): boolean {
    if (this.token.text !== text || this.token.type === "string") return false;
    this.#at++;
    return true;
  }

  expect(text: string): void {
    if (!this.take(text)) throw this.error(`${text} must stand here`);
  }

  name(): string {
    const { type, text } = this.token;
    if (type !== "name" || (WORDS.has(text) && !NAMES_TOO.has(text))) throw this.error("a name must stand here");
    this.#at++;
    return text;
  }

  braces(): Body {
    this.expect("{");
    const body = this.body(() => this.token.text === "}");
    if (body.length === 0) throw this.error("a body must not be empty");
    this.expect("}");
    return body;
  }

  body(isEnd: () => boolean): Body {
    const out: Literal[] = [];
    while (!isEnd()) {
      if (out.length > 0 && !this.take(";") && !this.token.isFirst) throw this.error("a new line or ; must stand here");
      if (isEnd()) break;
      out.push(this.literal());
    }
    return out;
  }

  literal(): Literal {
    return this.#nested(() => {
      const found = this.#literal();
      const changes: [string[], Term][] = [];
      while (this.take("with")) {
        const path = [this.name()];
        while (this.take(".")) path.push(this.name());
        if (path[0] !== "input" && path[0] !== "data") throw this.error("with may replace input and data only");
        this.expect("as");
        changes.push([path, this.#operators(0)]);
      }
      return { ...found, with: changes };
    });
  }

  #literal(): Plain {
    if (this.take("not")) return { kind: "not", term: this.term() };
    if (this.take("some")) return this.#some();
    if (this.token.text === "every" && this.#tokens[this.#at + 1]?.type === "name") {
      this.next();
      const first = this.name();
      const second = this.take(",") ? this.name() : undefined;
      this.expect("in");
      const of = this.#operators(0);
      const [key, value] = second === undefined ? [undefined, first] : [first, second];
      return { kind: "every", key, value, of, body: this.braces() };
    }
    return { kind: "expr", term: this.term() };
  }

  #some(): Plain {
    const first = this.#operators(0);
    const all = [first];
    while (this.take(",")) all.push(this.#operators(0));
    if (this.take("in")) {
      const of = this.#operators(0);
      const [key, value] = all.length === 1 ? [undefined, first] : [first, all[1] as Term];
      return { kind: "someIn", key, value, of };
    }
    const names = all.map((each) => {
      if (each.kind !== "var") throw this.error("some takes names");
      return each.name;
    });
    return { kind: "some", names };
  }

  /** A term, or two of them with `=`, `:=` or `in` between. */
  term(): Term {
    return this.#nested(() => {
      const left = this.#operators(0);
      if (this.take(":=")) return { kind: "assign", left, right: this.#member() };
      if (this.take("=")) return { kind: "unify", left, right: this.#member() };
      return this.#memberOf(left);
    });
  }

  #member(): Term {
    return this.#memberOf(this.#operators(0));
  }

  #memberOf(left: Term): Term {
    if (!this.take("in")) return left;
    return { kind: "call", name: "internal.member_2", args: [left, this.#operators(0)] };
  }

  #operators(level: number): Term {
    const operators = LEVELS[level];
    if (!operators) return this.#unary();
    let left = this.#operators(level + 1);
    for (;;) {
      const { type, text } = this.token;
      const name = type === "mark" && Object.hasOwn(operators, text) ? operators[text] : undefined;
      if (name === undefined || (text === "|" && this.#inComprehension)) return left;
      this.next();
      left = { kind: "call", name, args: [left, this.#operators(level + 1)] };
    }
  }

  #inComprehension = false;

  #unary(): Term {
    if (this.take("-")) {
      const { type, text } = this.token;
      if (type !== "number") throw this.error("a number must stand here");
      this.next();
      return { kind: "value", value: -Number(text) };
    }
    return this.#path(this.#primary());
  }

  #primary(): Term {
    const { type, text, value } = this.token;
    if (type === "string") {
      this.next();
      return { kind: "value", value: value as string };
    }
    if (type === "number") {
      this.next();
      return { kind: "value", value: Number(text) };
    }
    for (const [word, constant] of [
      ["true", true],
      ["false", false],
      ["null", null],
    ] as const)
      if (this.take(word)) return { kind: "value", value: constant };
    if (text === "(") {
      this.next();
      const inner = this.#apart(() => this.term());
      this.expect(")");
      return inner;
    }
    if (text === "[") return this.#bracketed("]", "arrayOf", "array");
    if (text === "{") return this.#bracketed("}", "setOf", "set");
    return { kind: "var", name: this.name() };
  }

  /** An array, a set, an object, or a comprehension of one. */
  #bracketed(close: string, of: "arrayOf" | "setOf", plain: "array" | "set"): Term {
    return this.#nested(() => {
      this.next();
      if (this.take(close)) return plain === "array" ? { kind: "array", items: [] } : { kind: "object", entries: [] };
      const first = this.#inside(() => this.term());
      if (plain === "set" && this.take(":")) return this.#object(first);
      if (this.take("|")) return { kind: of, term: first, body: this.#rest(close) };
      const items = [first];
      while (this.take(",") && this.token.text !== close) items.push(this.#apart(() => this.term()));
      this.expect(close);
      return { kind: plain, items };
    });
  }

  #object(key: Term): Term {
    const value = this.#inside(() => this.term());
    if (this.take("|")) return { kind: "objectOf", key, term: value, body: this.#rest("}") };
    const entries: [Term, Term][] = [[key, value]];
    while (this.take(",") && this.token.text !== "}") {
      const next = this.#apart(() => this.#operators(0));
      this.expect(":");
      entries.push([next, this.#apart(() => this.term())]);
    }
    this.expect("}");
    return { kind: "object", entries };
  }

  #rest(close: string): Body {
    const body = this.#apart(() => this.body(() => this.token.text === close));
    this.expect(close);
    return body;
  }

  /** `|` ends the head of a comprehension there. */
  #inside<T>(work: () => T): T {
    return this.#with(true, work);
  }

  #apart<T>(work: () => T): T {
    return this.#with(false, work);
  }

  #with<T>(flag: boolean, work: () => T): T {
    const before = this.#inComprehension;
    this.#inComprehension = flag;
    try {
      return work();
    } finally {
      this.#inComprehension = before;
    }
  }

  #path(head: Term): Term {
    const path: Term[] = [];
    for (;;) {
      const { text, isApart } = this.token;
      if (text === "." && !isApart) {
        this.next();
        const { type, text: field } = this.next();
        if (type !== "name") throw this.error("a name must stand here");
        path.push({ kind: "value", value: field });
      } else if (text === "[" && !isApart) {
        this.next();
        path.push(this.#apart(() => this.term()));
        this.expect("]");
      } else if (text === "(" && !isApart && head.kind === "var") {
        const names = [head.name, ...path.map((each) => (each.kind === "value" ? String(each.value) : ""))];
        const call: Term = { kind: "call", name: names.join("."), args: this.arguments() };
        if (call.name === "set" && call.args.length === 0) return this.#path({ kind: "set", items: [] });
        return this.#path(call);
      } else return path.length === 0 ? head : { kind: "ref", head, path };
    }
  }

  arguments(): Term[] {
    return this.#apart(() => {
      this.expect("(");
      const args: Term[] = [];
      while (!this.take(")")) {
        if (args.length > 0) this.expect(",");
        args.push(this.term());
      }
      return args;
    });
  }

  #nested<T>(work: () => T): T {
    if (++this.#depth > MOST_DEPTH) throw this.error("this is too deep");
    try {
      return work();
    } finally {
      this.#depth--;
    }
  }
}
