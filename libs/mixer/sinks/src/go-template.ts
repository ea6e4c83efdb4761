import { renderValue, type Timestamp, type ValueMap, type ValueType } from "@xebec/mixer-sdk";
import { formatGoTime } from "./go-time.ts";
import { readAction } from "./template-text.ts";

/** A text with places for values. */
export interface GoTemplate {
  /** The names of values that it reads. */
  readonly names: readonly string[];
  render(values: ValueMap | undefined): string;
}

/** A value while a template runs: with its type, so that it is written as Go does. */
interface Typed {
  readonly type: ValueType;
  readonly value: unknown;
}
type Value = Typed | undefined;
type Lookup = (name: string) => Value;
type Expression = (lookup: Lookup) => Value;
type Node = { readonly text: string } | { readonly print: Expression } | Branch;
interface Branch {
  readonly when: Expression;
  readonly then: readonly Node[];
  readonly otherwise: readonly Node[];
}

const text = (value: string): Typed => ({ type: "STRING", value });
const bool = (value: boolean): Typed => ({ type: "BOOL", value });
const TOKEN =
  /\s*(?:("(?:[^"\\\n]|\\.)*"|`[^`]*`)|(-?\d+(?:\.\d+)?)|(\.[\p{L}_][\p{L}\p{Nd}_]*(?:\.Format)?|\.)|([a-z]+)|([()|]))/uy;
const MAX_DEPTH = 32;

/**
 * Reads a template of Go's text/template, as far as the texts of log entries and names need it: `{{.name}}`, `{{index . "a.b"}}`, strings,
 * `{{.time.Format "15:04:05"}}`, pipelines, parentheses, `or`, `and`, `not`, `eq`, `ne`, `len`, `print`, `printf`, `html`, `urlquery`,
 * `if`, `else if`, `else`, `end`, comments, and `{{-`, `-}}`.
 * @param options.escapeHtml writes values as html/template does in text
 * @throws Error that says what is not understood
 */
export function parseGoTemplate(source: string, { escapeHtml = false } = {}): GoTemplate {
  const reader = new Reader(source);
  const nodes = reader.block(0);
  const show = (value: Value): string => (escapeHtml ? html(shown(value)) : shown(value));
  return {
    names: [...reader.names],
    render(values) {
      const lookup: Lookup = (name) => {
        const at = values?.names.indexOf(name) ?? -1;
        return at < 0 ? undefined : { type: values?.types[at] as ValueType, value: values?.values[at] };
      };
      return run(nodes, lookup, show);
    },
  };
}

function run(nodes: readonly Node[], lookup: Lookup, show: (value: Value) => string): string {
  let out = "";
  for (const node of nodes)
    if ("text" in node) out += node.text;
    else if ("print" in node) out += show(node.print(lookup));
    else out += run(isTrue(node.when(lookup)) ? node.then : node.otherwise, lookup, show);
  return out;
}

/** Go's words for a key that a map does not have. */
function shown(value: Value): string {
  return value === undefined ? "<no value>" : renderValue(value.type, value.value as never);
}

/** What `if`, `or` and `and` take for true: everything but the zero value of its type. */
function isTrue(value: Value): boolean {
  if (value === undefined) return false;
  const { value: held } = value;
  if (typeof held === "string" || held instanceof Uint8Array) return held.length > 0;
  return typeof held === "object" || (held !== 0 && held !== 0n && held !== false);
}

class Reader {
  readonly names = new Set<string>();
  #rest: string;
  #trimNext = false;
  /** The action that ended a block. */
  #end = "";

  constructor(source: string) {
    this.#rest = source;
  }

  /** Reads up to the `else` or `end` of the block, or to the end of the text outside of any. */
  block(depth: number): Node[] {
    if (depth > MAX_DEPTH) throw new Error("blocks are nested too deeply");
    const nodes: Node[] = [];
    for (;;) {
      const at = this.#rest.indexOf("{{");
      if (at < 0) {
        if (depth > 0) throw new Error("{{if}} has no {{end}}");
        this.#text(nodes, this.#rest, false);
        return nodes;
      }
      const { body, end } = readAction(this.#rest, at);
      const [left, right] = [/^-\s/.test(body), /\s-$/.test(body)];
      this.#text(nodes, this.#rest.slice(0, at), left);
      this.#rest = this.#rest.slice(end);
      this.#trimNext = right;
      const action = body.slice(left ? 1 : 0, right ? -1 : undefined).trim();
      if (/^\/\*[\s\S]*\*\/$/.test(action)) continue;
      if (/^(?:else|end)\b/.test(action)) {
        if (depth === 0) throw new Error(`{{${action}}} has no {{if}}`);
        this.#end = action;
        return nodes;
      }
      const [, condition] = /^if\s([\s\S]+)$/.exec(action) ?? [];
      nodes.push(condition === undefined ? { print: this.#expression(action) } : this.#branch(condition, depth));
    }
  }

  #branch(condition: string, depth: number): Branch {
    const when = this.#expression(condition);
    const then = this.block(depth + 1);
    let otherwise: Node[] = [];
    const [, more] = /^else\s+if\s([\s\S]+)$/.exec(this.#end) ?? [];
    if (more !== undefined) otherwise = [this.#branch(more, depth + 1)];
    else if (this.#end === "else") {
      otherwise = this.block(depth + 1);
      if ((this.#end as string) !== "end") throw new Error("{{else}} has no {{end}}");
    }
    return { when, then, otherwise };
  }

  #text(nodes: Node[], raw: string, trimEnd: boolean): void {
    const start = this.#trimNext ? raw.trimStart() : raw;
    const own = trimEnd ? start.trimEnd() : start;
    this.#trimNext = false;
    if (own !== "") nodes.push({ text: own });
  }

  #expression(action: string): Expression {
    const tokens = tokensOf(action);
    const unknown = (): Error =>
      new Error(`{{${action}}} is not supported; write {{.NAME}} or {{index . "NAME"}} for a value`);
    let at = 0;
    const operand = (): Expression | undefined => {
      const token = tokens[at];
      if (token === undefined || token === ")" || token === "|") return undefined;
      at++;
      if (token === "(") {
        const inner = pipeline();
        if (tokens[at++] !== ")") throw unknown();
        return inner;
      }
      if (/^["`]/.test(token)) {
        const constant = text(unquoted(token));
        return () => constant;
      }
      if (/^-?\d/.test(token)) {
        const constant: Typed = { type: token.includes(".") ? "DOUBLE" : "INT64", value: Number(token) };
        return () => constant;
      }
      if (token === "true" || token === "false") return () => bool(token === "true");
      if (token === ".") return () => undefined;
      if (!token.startsWith(".")) throw unknown();
      return this.#field(token, operand, unknown);
    };
    const command = (piped?: Expression): Expression => {
      const token = tokens[at] ?? "";
      if (/^[a-z]/.test(token) && token !== "true" && token !== "false") {
        at++;
        if (token === "index") return this.#index(tokens[at++], tokens[at++], unknown);
        const make = FUNCTIONS[token];
        if (!make) throw unknown();
        const operands: Expression[] = [];
        for (let next = operand(); next; next = operand()) operands.push(next);
        if (piped) operands.push(piped);
        if (operands.length < make.least) throw unknown();
        return (lookup) => make.call(operands.map((each) => () => each(lookup)));
      }
      const only = operand();
      if (!only || piped) throw unknown();
      return only;
    };
    const pipeline = (): Expression => {
      let made = command();
      while (tokens[at] === "|") {
        at++;
        made = command(made);
      }
      return made;
    };
    const made = pipeline();
    if (at < tokens.length) throw unknown();
    return made;
  }

  #field(token: string, operand: () => Expression | undefined, unknown: () => Error): Expression {
    const name = token.slice(1).replace(/\.Format$/, "");
    this.names.add(name);
    if (!token.endsWith(".Format")) return (lookup) => lookup(name);
    const layout = operand();
    if (!layout) throw unknown();
    return (lookup) => {
      const time = lookup(name);
      return time?.type === "TIMESTAMP"
        ? text(formatGoTime(time.value as Timestamp, shown(layout(lookup))))
        : time === undefined
          ? undefined
          : text(shown(time));
    };
  }

  #index(of: string | undefined, key: string | undefined, unknown: () => Error): Expression {
    if (of !== "." || !key || !/^["`]/.test(key)) throw unknown();
    const name = unquoted(key);
    this.names.add(name);
    return (lookup) => lookup(name);
  }
}

function tokensOf(action: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  const end = action.trimEnd().length;
  while (TOKEN.lastIndex < end) {
    const from = TOKEN.lastIndex;
    const found = TOKEN.exec(action);
    if (!found) throw new Error(`{{${action}}}: ${JSON.stringify(action.slice(from, from + 20))} is not understood`);
    tokens.push(found[0].trimStart());
  }
  if (tokens.length === 0) throw new Error("{{}} is empty");
  return tokens;
}

/** @throws Error for an escape that JSON does not have */
function unquoted(literal: string): string {
  if (literal.startsWith("`")) return literal.slice(1, -1);
  try {
    return JSON.parse(literal) as string;
  } catch {
    throw new Error(`${literal} has an escape that is not understood`);
  }
}

type Lazy = () => Value;
interface GoFunction {
  readonly least: number;
  call(operands: readonly Lazy[]): Value;
}
const of = (least: number, call: (operands: readonly Lazy[]) => Value): GoFunction => ({ least, call });

const FUNCTIONS: Readonly<Record<string, GoFunction | undefined>> = {
  or: of(1, (all) => all.map((each) => each()).find((each, i) => isTrue(each) || i === all.length - 1)),
  and: of(1, (all) => all.map((each) => each()).find((each, i) => !isTrue(each) || i === all.length - 1)),
  not: of(1, ([first]) => bool(!isTrue(first?.()))),
  eq: of(2, ([first, ...rest]) => bool(rest.some((each) => shown(each()) === shown(first?.())))),
  ne: of(2, ([first, second]) => bool(shown(first?.()) !== shown(second?.()))),
  len: of(1, ([first]) => ({ type: "INT64", value: Buffer.byteLength(shown(first?.())) })),
  print: of(0, (all) => text(all.map((each) => shown(each())).join(""))),
  printf: of(1, ([format, ...rest]) => text(printf(shown(format?.()), rest))),
  html: of(1, (all) => text(html(all.map((each) => shown(each())).join("")))),
  urlquery: of(1, (all) => text(encodeURIComponent(all.map((each) => shown(each())).join("")).replaceAll("%20", "+"))),
};

function printf(format: string, operands: readonly Lazy[]): string {
  let at = 0;
  return format.replace(/%([-0]?\d*)(?:\.(\d+))?([vsdqft%])/g, (_verb, width: string, digits: string, kind: string) => {
    if (kind === "%") return "%";
    const value = operands[at++]?.();
    if (value === undefined) return `%!${kind}(MISSING)`;
    const raw = shown(value);
    const body = kind === "q" ? JSON.stringify(raw) : kind === "f" ? Number(raw).toFixed(Number(digits ?? 6)) : raw;
    const size = Number(width.replace(/^[-0]/, ""));
    if (width.startsWith("-")) return body.padEnd(size);
    return body.padStart(size, width.startsWith("0") ? "0" : " ");
  });
}

const HTML: Readonly<Record<string, string>> = { "<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&#34;", "'": "&#39;" };

function html(value: string): string {
  return value.replace(/[<>&"']/g, (each) => HTML[each] as string);
}
