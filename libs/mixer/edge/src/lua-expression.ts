import { type AttributeValue, parseIp, type ValueType, type Vocabulary } from "@xebec/model-attributes";
import { check, parse, type Typed } from "@xebec/model-expr";
import { addressDigits, luaText } from "./lua-text.ts";

/** What is known of the called service and its workload before there is a request. */
export interface KnownAttributes {
  /** Texts by the attribute's name. */
  readonly texts: ReadonlyMap<string, string>;
  /** Labels of the workload, as far as rules read them. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Whether a connection has requests. */
export type Protocol = "http" | "tcp";

/** An expression, or a part of one, as a script evaluates it. */
export interface Code {
  readonly type: ValueType;
  /** Its value when no request changes it. */
  readonly constant?: AttributeValue;
  /** The expression in Lua; it fails where the value is absent. */
  readonly lua?: string;
  /** The same, but nil where the value is absent: what stands left of `|`. */
  readonly attempt?: string;
  /** Why only mixer-policy can evaluate it. */
  readonly why?: string;
  /** Functions of the prelude that it calls. */
  readonly uses: readonly string[];
  /** Its evaluation fails for every request. */
  readonly fails?: true;
  /** A condition that holds for no request, whatever else is unknown. */
  readonly never?: true;
}

/** Attributes that Envoy knows of a request, as functions of the prelude; `undefined` is absent. */
const DYNAMIC: Readonly<Record<string, { readonly attempt: string; readonly uses: string }>> = {
  "source.ip": { attempt: "source_ip()", uses: "source_ip" },
  "source.principal": { attempt: "principal()", uses: "principal" },
  "source.user": { attempt: "principal()", uses: "principal" },
  "request.method": { attempt: 'some(header(":method"))', uses: "some" },
  "request.host": { attempt: 'some(header(":authority"))', uses: "some" },
  "request.scheme": { attempt: 'some(header(":scheme"))', uses: "some" },
  "request.path": { attempt: 'some(header(":path"))', uses: "some" },
  "request.url_path": { attempt: "url_path()", uses: "url_path" },
  "request.useragent": { attempt: 'header("user-agent")', uses: "header" },
  "request.referer": { attempt: 'header("referer")', uses: "header" },
};
/** Those that are always there. */
const PRESENT: Readonly<Record<string, { readonly lua: string; readonly uses: string }>> = {
  "connection.mtls": { lua: "(principal() ~= nil)", uses: "principal" },
  "context.protocol": { lua: "protocol()", uses: "protocol" },
};

/** What `KnownAttributes.texts` has. */
const STATIC: ReadonlySet<string> = new Set([
  "context.reporter.kind",
  "destination.namespace",
  "destination.service.host",
  "destination.service.name",
  "destination.service.namespace",
  "destination.service.uid",
]);

/**
 * Translates an expression into Lua (docs/reference/mixer.md §4), evaluating what does not depend on the request.
 * @param protocol of the connection: one without HTTP has no attributes of requests
 * @param known undefined where no service is meant: then nothing is known before the request
 * @throws ExpressionError
 */
export function luaExpression(
  text: string,
  vocabulary: Vocabulary,
  known: KnownAttributes | undefined,
  generated: ReadonlySet<string>,
  protocol: Protocol = "http",
): Code {
  return new Translator(known, generated, protocol).code(check(parse(text), vocabulary, text));
}

class Translator {
  readonly #known: KnownAttributes | undefined;
  readonly #generated: ReadonlySet<string>;
  readonly #protocol: Protocol;

  constructor(known: KnownAttributes | undefined, generated: ReadonlySet<string>, protocol: Protocol) {
    this.#protocol = protocol;
    this.#known = known;
    this.#generated = generated;
  }

  code(node: Typed): Code {
    if (node.node === "literal") return constantOf(node.type, node.value);
    if (node.node === "attribute") return this.#attribute(node.type, node.name);
    return this.#call(node);
  }

  #attribute(type: ValueType, name: string): Code {
    if (this.#generated.has(name)) return { type, why: `${name} is made by an adapter or an HTTPAPISpec`, uses: [] };
    if (this.#protocol === "tcp") {
      if (name === "context.protocol") return constantOf(type, "tcp");
      if (name.startsWith("request.")) return absent(type);
    }
    if (!this.#known && STATIC.has(name)) return { type, lua: "nil", uses: [] };
    const text = this.#known?.texts.get(name);
    if (text !== undefined) return constantOf(type, text);
    const present = PRESENT[name];
    if (present) return { type, lua: present.lua, uses: [present.uses] };
    const dynamic = DYNAMIC[name];
    if (dynamic)
      return { type, lua: `need(${dynamic.attempt})`, attempt: dynamic.attempt, uses: ["need", dynamic.uses] };
    return { type, why: `${name} is known to mixer-policy only`, uses: [] };
  }

  #call({ type, name, args }: Extract<Typed, { node: "call" }>): Code {
    if (name === "INDEX") return this.#index(args[0] as Typed, args[1] as Typed);
    const codes = args.map((each) => this.code(each));
    const [a, b] = codes as [Code, Code];
    const isLazy = name === "LAND" || name === "LOR" || name === "OR" || name === "conditional";
    if (!isLazy && codes.some((each) => each.fails)) return failing(type);
    if (name === "conditional" && a.fails) return failing(type);
    if (name === "LAND") return and(a, b);
    if (name === "LOR") return or(a, b);
    if (name === "OR") return otherwise(a, b);
    const unknown = codes.find((each) => each.why !== undefined);
    if (unknown) return { type, why: unknown.why as string, uses: [] };
    const constants = codes.map((each) => each.constant);
    if (constants.every((each) => each !== undefined)) {
      const value = fold(name, a.type, constants as AttributeValue[]);
      if (value !== undefined) return constantOf(type, value);
    }
    const lua = operation(name, codes);
    return lua
      ? { type, lua: lua.lua, uses: [...codes.flatMap((each) => each.uses), ...lua.uses] }
      : { type, why: `${NAMES[name] ?? `${name}()`} is evaluated in mixer-policy only`, uses: [] };
  }

  #index(map: Typed, key: Typed): Code {
    const type = "STRING" as const;
    const name = map.node === "attribute" ? map.name : "a map that is computed";
    if (this.#protocol === "tcp" && name === "request.headers" && !this.#generated.has(name)) return absent(type);
    if (key.node !== "literal" || typeof key.value !== "string" || this.#generated.has(name))
      return { type, why: `${name} is read by a name that is computed`, uses: [] };
    if (name === "destination.labels") {
      if (!this.#known) return { type, lua: "nil", attempt: "nil and nil", uses: [] };
      const label = Object.hasOwn(this.#known.labels, key.value) ? this.#known.labels[key.value] : undefined;
      return label === undefined ? { ...constantOf(type, ""), attempt: "nil" } : constantOf(type, label);
    }
    if (name !== "request.headers") return { type, why: `${name} is known to mixer-policy only`, uses: [] };
    // Envoy has names in small letters, and Mixer compares them as they are.
    if (key.value !== key.value.toLowerCase() || key.value === "") return { ...constantOf(type, ""), attempt: "nil" };
    const attempt = `header(${luaText(key.value)})`;
    return { type, lua: `(${attempt} or "")`, attempt, uses: ["header"] };
  }
}

const NAMES: Readonly<Record<string, string>> = { LT: "<", LEQ: "<=", GT: ">", GEQ: ">=", ADD: "+" };

/** What cannot be evaluated for any request. */
const failing = (type: ValueType): Code => ({ type, lua: "need(nil)", uses: ["need"], fails: true });

/** An attribute that no request has. */
const absent = (type: ValueType): Code => ({ ...failing(type), attempt: "nil" });

const constantOf = (type: ValueType, constant: AttributeValue): Code => ({
  type,
  constant,
  lua: literal(type, constant),
  uses: [],
});

function literal(type: ValueType, value: AttributeValue): string {
  if (type === "IP_ADDRESS") return luaText(addressDigits(value as Uint8Array));
  return typeof value === "string" ? luaText(value) : String(value);
}

function and(a: Code, b: Code): Code {
  const type = "BOOL" as const;
  if (a.fails) return a;
  if (a.constant === false && !a.never) return a;
  if (a.constant === true) return b;
  const never = neverHolds(a) || neverHolds(b) ? ({ never: true } as const) : {};
  const why = a.why ?? b.why;
  if (why !== undefined) return { type, why, uses: [], ...never };
  return { type, lua: `(${a.lua} and ${b.lua})`, uses: [...a.uses, ...b.uses], ...never };
}

/** Whether a condition holds for no request: it is false, or fails. */
export const neverHolds = (code: Code): boolean =>
  code.constant === false || code.never === true || code.fails === true;

function or(a: Code, b: Code): Code {
  const type = "BOOL" as const;
  if (a.fails) return a;
  if (a.constant === true) return a;
  if (a.constant === false) return b;
  const never = neverHolds(a) && neverHolds(b) ? ({ never: true } as const) : {};
  const why = a.why ?? b.why;
  if (why !== undefined) return { type, why, uses: [], ...never };
  return { type, lua: `(${a.lua} or ${b.lua})`, uses: [...a.uses, ...b.uses], ...never };
}

/** `a | b`: b where a is absent. */
function otherwise(a: Code, b: Code): Code {
  const { type } = a;
  if (a.why !== undefined) return { type, why: a.why, uses: [] };
  if (a.attempt === "nil") return b;
  if (a.fails) return a;
  if (a.attempt === undefined) return a;
  if (b.why !== undefined) return { type, why: b.why, uses: [] };
  const uses = [...a.uses, ...b.uses];
  const lua = `(${a.attempt} or ${b.lua})`;
  const isSure = b.constant !== undefined && b.attempt === undefined;
  return { type, lua, uses, ...(isSure || !b.attempt ? {} : { attempt: `(${a.attempt} or ${b.attempt})` }) };
}

/** Calls of constants. @returns undefined where that is left to the script */
function fold(name: string, type: ValueType, [a, b, c]: readonly AttributeValue[]): AttributeValue | undefined {
  const isPlain = type === "STRING" || type === "BOOL" || type === "INT64";
  switch (name) {
    case "EQ":
      return isPlain ? a === b : undefined;
    case "NEQ":
      return isPlain ? a !== b : undefined;
    case "startsWith":
      return (a as string).startsWith(b as string);
    case "endsWith":
      return (a as string).endsWith(b as string);
    case "match":
      return glob(a as string, b as string);
    case "ip":
      return parseIp(a as string);
    case "conditional":
    case "conditionalString":
      return a === true ? b : c;
    default:
      return undefined;
  }
}

function glob(text: string, pattern: string): boolean {
  if (pattern.endsWith("*")) return text.startsWith(pattern.slice(0, -1));
  return pattern.startsWith("*") ? text.endsWith(pattern.slice(1)) : text === pattern;
}

const COMPARED: ReadonlySet<ValueType> = new Set(["STRING", "BOOL", "INT64", "IP_ADDRESS"]);

/** A call in Lua. @returns undefined for what a script cannot do */
function operation(
  name: string,
  codes: readonly Code[],
): { readonly lua: string; readonly uses: readonly string[] } | undefined {
  const [a, b, c] = codes.map((each) => each.lua as string) as [string, string, string];
  const [first, second] = codes as [Code, Code];
  switch (name) {
    case "EQ":
    case "NEQ":
      return COMPARED.has(first.type) ? { lua: `(${a} ${name === "EQ" ? "==" : "~="} ${b})`, uses: [] } : undefined;
    case "startsWith":
    case "endsWith":
      return {
        lua: `${name === "startsWith" ? "starts" : "ends"}(${a}, ${b})`,
        uses: [name === "startsWith" ? "starts" : "ends"],
      };
    case "match":
      return globLua(a, second);
    case "ADD":
      return first.type === "STRING" ? { lua: `(${a} .. ${b})`, uses: [] } : undefined;
    case "size":
      return { lua: `(#${a})`, uses: [] };
    case "conditional":
    case "conditionalString":
      // With `and` and `or` a value that is false would be taken for none; both values are evaluated only where Mixer does, too.
      if (second.type !== "STRING") return undefined;
      return name === "conditional"
        ? { lua: `(${a} and ${b} or ${c})`, uses: [] }
        : { lua: `pick(${a}, ${b}, ${c})`, uses: ["pick"] };
    default:
      return undefined;
  }
}

function globLua(
  text: string,
  { constant }: Code,
): { readonly lua: string; readonly uses: readonly string[] } | undefined {
  if (typeof constant !== "string") return undefined;
  if (constant.endsWith("*")) return { lua: `starts(${text}, ${luaText(constant.slice(0, -1))})`, uses: ["starts"] };
  if (constant.startsWith("*")) return { lua: `ends(${text}, ${luaText(constant.slice(1))})`, uses: ["ends"] };
  return { lua: `(${text} == ${luaText(constant)})`, uses: [] };
}
