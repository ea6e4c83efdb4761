import type { Body, Literal, Module, Rule, Term } from "./ast.ts";
import { RegoError, type Token } from "./lexer.ts";
import { TermParser } from "./term-parser.ts";

const TRUE: Term = { kind: "value", value: true };

/** Reads a module of Rego, in the form of version 0 or 1. @throws RegoError with line and column */
export function parseModule(text: string): Module {
  return new ModuleParser(text).module();
}

/** Reads a query, such as `data.mesh.allow`. @throws RegoError */
export function parseQuery(text: string): Body {
  const parser = new ModuleParser(text);
  return parser.query();
}

class ModuleParser extends TermParser {
  module(): Module {
    this.expect("package");
    const path = this.#path();
    const imports = new Map<string, readonly string[]>();
    while (this.take("import")) {
      const imported = this.#path();
      const name = this.take("as") ? this.name() : (imported.at(-1) as string);
      if (imported[0] === "input" || imported[0] === "data") imports.set(name, imported);
      else if (imported[0] !== "future" && imported[0] !== "rego")
        throw this.error("only input, data, rego and future can be imported");
    }
    const rules: Rule[] = [];
    while (this.token.type !== "end") rules.push(...this.#rule());
    return { path: path[0] === "data" ? path.slice(1) : path, imports, rules };
  }

  query(): Body {
    const body = this.body(() => this.token.type === "end");
    if (body.length === 0) throw this.error("a query is missing");
    return body;
  }

  #path(): string[] {
    const path = [this.name()];
    for (;;) {
      if (this.take(".")) path.push(this.name());
      else if (this.token.text === "[" && !this.token.isApart) {
        this.expect("[");
        const { value } = this.token;
        if (value === undefined) throw this.error("a string must stand here");
        this.next();
        path.push(value);
        this.expect("]");
      } else return path;
    }
  }

  #rule(): Rule[] {
    const { line } = this.token;
    const isDefault = this.take("default");
    const name = this.name();
    if (this.token.text === ".") throw this.error("a rule's name may not have dots; put it into a package of its own");
    let [form, args, key, value]: [Rule["form"], Term[], Term | undefined, Term | undefined] = [
      "complete",
      [],
      undefined,
      undefined,
    ];
    if (this.token.text === "(" && !this.token.isApart) {
      form = "function";
      args = this.arguments();
    } else if (this.token.text === "[" && !this.token.isApart) {
      this.expect("[");
      key = this.term();
      this.expect("]");
      form = "set";
    } else if (this.take("contains")) {
      key = this.term();
      form = "set";
    }
    if (this.take(":=") || this.take("=")) {
      value = this.term();
      if (form === "set") form = "object";
    }
    const hasIf = this.token.text === "if";
    // With `if` a key in brackets is that of an object.
    if (hasIf && form === "set" && key && !this.#wasContains) form = "object";
    this.#wasContains = false;
    const base = { name, form, isDefault, args, key, value: value ?? TRUE, line };
    const bodies = this.#bodies(value !== undefined || form === "set");
    return bodies.map(({ body, otherwise }) => ({
      ...base,
      body,
      otherwise: otherwise.reduceRight<Rule | undefined>(
        (rest, each) => ({ ...base, value: each.value, body: each.body, otherwise: rest }),
        undefined,
      ),
    }));
  }

  #wasContains = false;

  override take(text: string): boolean {
    const taken = super.take(text);
    if (taken && text === "contains") this.#wasContains = true;
    return taken;
  }

  /** @param mayLack whether a rule without body is one that always holds */
  #bodies(mayLack: boolean): { body: Body; otherwise: { value: Term; body: Body }[] }[] {
    const hasIf = this.take("if");
    if (!hasIf && this.token.text !== "{") {
      if (!mayLack) throw this.error("a body in braces, or a value, must stand here");
      return [{ body: [], otherwise: [] }];
    }
    const out: { body: Body; otherwise: { value: Term; body: Body }[] }[] = [];
    let isFirst = true;
    while (isFirst || (this.token.text === "{" && !hasIf)) {
      const body = this.#oneBody(hasIf);
      const otherwise: { value: Term; body: Body }[] = [];
      while (this.take("else")) {
        const value = this.take(":=") || this.take("=") ? this.term() : TRUE;
        const isConditional = this.take("if");
        otherwise.push({ value, body: isConditional || this.token.text === "{" ? this.#oneBody(isConditional) : [] });
      }
      out.push({ body, otherwise });
      isFirst = false;
    }
    return out;
  }

  #oneBody(hasIf: boolean): Body {
    if (this.token.text === "{") return this.braces();
    if (!hasIf) throw this.error("a body in braces must stand here");
    return [this.literal()];
  }
}

export type { Literal, Token };
export { RegoError };
