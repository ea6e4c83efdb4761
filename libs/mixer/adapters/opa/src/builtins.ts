import { createHash, createHmac } from "node:crypto";
import { isIP } from "node:net";
import { regexTest } from "@xebec/model-expr";
import { RegoError } from "./lexer.ts";
import { compare, equal, fromJson, RegoObject, RegoSet, toJson, typeName, type Value } from "./values.ts";

/** A function of Rego's own. It has no value (undefined) for arguments that it cannot take. */
export interface Builtin {
  readonly arity: number;
  run(args: readonly Value[]): Value | undefined;
}

export const BUILTINS = new Map<string, Builtin>();

const define = (names: string, arity: number, run: (...args: never[]) => Value | undefined): void => {
  for (const name of names.split(" ")) BUILTINS.set(name, { arity, run: (args) => run(...(args as never[])) });
};
const isText = (value: Value): value is string => typeof value === "string";
const isNumber = (value: Value): value is number => typeof value === "number";
const isList = (value: Value): value is readonly Value[] => Array.isArray(value);
/** The members of an array or a set. */
const membersOf = (value: Value): readonly Value[] | undefined =>
  value instanceof RegoSet ? value.items() : isList(value) ? value : undefined;
/** Most characters of a text that a function makes. */
const LONGEST = 1 << 20;

const numbers = (name: string, run: (a: number, b: number) => number | undefined): void =>
  define(name, 2, (a: Value, b: Value) => (isNumber(a) && isNumber(b) ? run(a, b) : undefined));
const texts = (name: string, run: (a: string, b: string) => Value | undefined): void =>
  define(name, 2, (a: Value, b: Value) => (isText(a) && isText(b) ? run(a, b) : undefined));
const text = (name: string, run: (a: string) => Value | undefined): void =>
  define(name, 1, (a: Value) => (isText(a) ? run(a) : undefined));

define("equal", 2, (a: Value, b: Value) => equal(a, b));
define("neq", 2, (a: Value, b: Value) => !equal(a, b));
define("lt", 2, (a: Value, b: Value) => compare(a, b) < 0);
define("lte", 2, (a: Value, b: Value) => compare(a, b) <= 0);
define("gt", 2, (a: Value, b: Value) => compare(a, b) > 0);
define("gte", 2, (a: Value, b: Value) => compare(a, b) >= 0);
define("internal.member_2", 2, (a: Value, of: Value) =>
  of instanceof RegoObject
    ? of.entries().some(([, each]) => equal(each, a))
    : (membersOf(of)?.some((each) => equal(each, a)) ?? false),
);

numbers("plus", (a, b) => a + b);
numbers("mul", (a, b) => a * b);
numbers("div", (a, b) => (b === 0 ? undefined : a / b));
numbers("rem", (a, b) => (b === 0 || !Number.isInteger(a) || !Number.isInteger(b) ? undefined : a % b));
define("minus", 2, (a: Value, b: Value) => {
  if (a instanceof RegoSet && b instanceof RegoSet) return new RegoSet(a.items().filter((each) => !b.has(each)));
  return isNumber(a) && isNumber(b) ? a - b : undefined;
});
define("or", 2, (a: Value, b: Value) =>
  a instanceof RegoSet && b instanceof RegoSet ? new RegoSet([...a.items(), ...b.items()]) : undefined,
);
define("and", 2, (a: Value, b: Value) =>
  a instanceof RegoSet && b instanceof RegoSet ? new RegoSet(a.items().filter((each) => b.has(each))) : undefined,
);
for (const [name, run] of [
  ["abs", Math.abs],
  ["ceil", Math.ceil],
  ["floor", Math.floor],
  ["round", Math.round],
] as const)
  define(name, 1, (a: Value) => (isNumber(a) ? run(a) : undefined));

define("count", 1, (of: Value) =>
  isText(of) ? [...of].length : of instanceof RegoObject ? of.size : membersOf(of)?.length,
);
const fold = (name: string, run: (all: readonly number[]) => number): void =>
  define(name, 1, (of: Value) => {
    const all = membersOf(of);
    return all?.every(isNumber) ? run(all as number[]) : undefined;
  });
fold("sum", (all) => all.reduce((a, b) => a + b, 0));
fold("product", (all) => all.reduce((a, b) => a * b, 1));
define("max", 1, (of: Value) => [...(membersOf(of) ?? [])].sort(compare).at(-1));
define("min", 1, (of: Value) => [...(membersOf(of) ?? [])].sort(compare)[0]);
define("sort", 1, (of: Value) => membersOf(of) && [...(membersOf(of) as Value[])].sort(compare));
define("all", 1, (of: Value) => membersOf(of)?.every((each) => each === true));
define("any", 1, (of: Value) => membersOf(of)?.some((each) => each === true));
define("array.concat", 2, (a: Value, b: Value) => (isList(a) && isList(b) ? [...a, ...b] : undefined));
define("array.slice", 3, (a: Value, from: Value, to: Value) =>
  isList(a) && isNumber(from) && isNumber(to) ? a.slice(Math.max(0, from), Math.max(0, to)) : undefined,
);
define("array.reverse", 1, (a: Value) => (isList(a) ? [...a].reverse() : undefined));
define("union", 1, (of: Value) =>
  of instanceof RegoSet ? new RegoSet(of.items().flatMap((each) => membersOf(each) ?? [])) : undefined,
);
define("intersection", 1, (of: Value) => {
  const [first, ...rest] = of instanceof RegoSet ? of.items() : [];
  return first instanceof RegoSet
    ? new RegoSet(first.items().filter((each) => rest.every((other) => other instanceof RegoSet && other.has(each))))
    : new RegoSet();
});
define("object.get", 3, (of: Value, key: Value, preset: Value) => {
  if (!(of instanceof RegoObject)) return undefined;
  if (!isList(key)) return of.get(key) ?? preset;
  let at: Value | undefined = of;
  for (const each of key)
    at =
      at instanceof RegoObject
        ? at.get(each)
        : isList(at as Value) && isNumber(each)
          ? (at as readonly Value[])[each]
          : undefined;
  return at ?? preset;
});
define("object.keys", 1, (of: Value) =>
  of instanceof RegoObject ? new RegoSet(of.entries().map(([key]) => key)) : undefined,
);
define("object.remove", 2, (of: Value, keys: Value) => {
  const gone = keys instanceof RegoObject ? keys.entries().map(([key]) => key) : (membersOf(keys) ?? []);
  return of instanceof RegoObject
    ? new RegoObject(of.entries().filter(([key]) => !gone.some((each) => equal(each, key))))
    : undefined;
});
define("object.filter", 2, (of: Value, keys: Value) => {
  const kept = keys instanceof RegoObject ? keys.entries().map(([key]) => key) : (membersOf(keys) ?? []);
  return of instanceof RegoObject
    ? new RegoObject(of.entries().filter(([key]) => kept.some((each) => equal(each, key))))
    : undefined;
});
define("object.union", 2, (a: Value, b: Value) =>
  a instanceof RegoObject && b instanceof RegoObject ? merged(a, b) : undefined,
);

function merged(a: RegoObject, b: RegoObject): RegoObject {
  const out = new RegoObject(a.entries());
  for (const [key, value] of b.entries()) {
    const known = out.get(key);
    out.set(key, known instanceof RegoObject && value instanceof RegoObject ? merged(known, value) : value);
  }
  return out;
}

texts("startswith", (a, b) => a.startsWith(b));
texts("endswith", (a, b) => a.endsWith(b));
texts("contains", (a, b) => a.includes(b));
texts("indexof", (a, b) => {
  const at = a.indexOf(b);
  return at < 0 ? -1 : [...a.slice(0, at)].length;
});
texts("split", (a, b) => a.split(b));
texts("trim", (a, b) => trimmed(a, b, true, true));
texts("trim_left", (a, b) => trimmed(a, b, true, false));
texts("trim_right", (a, b) => trimmed(a, b, false, true));
texts("trim_prefix", (a, b) => (a.startsWith(b) ? a.slice(b.length) : a));
texts("trim_suffix", (a, b) => (b !== "" && a.endsWith(b) ? a.slice(0, -b.length) : a));
text("trim_space", (a) => a.trim());
text("lower", (a) => a.toLowerCase());
text("upper", (a) => a.toUpperCase());
text("strings.reverse", (a) => [...a].reverse().join(""));
define("concat", 2, (by: Value, of: Value) => {
  const all = membersOf(of);
  return isText(by) && all?.every(isText) ? all.join(by) : undefined;
});
define("replace", 3, (a: Value, old: Value, by: Value) => {
  if (!isText(a) || !isText(old) || !isText(by)) return undefined;
  if ((a.length + 1) * (by.length + 1) > LONGEST) throw new RegoError("a text is too long");
  return a.replaceAll(old, () => by);
});
define("substring", 3, (a: Value, from: Value, length: Value) => {
  if (!isText(a) || !isNumber(from) || !isNumber(length) || from < 0) return undefined;
  const letters = [...a];
  return letters.slice(from, length < 0 ? undefined : from + length).join("");
});
define("sprintf", 2, (format: Value, args: Value) => {
  if (!isText(format) || !isList(args)) return undefined;
  let i = 0;
  return format.replace(/%(?:%|[-+0#]*\d*(?:\.\d+)?[a-zA-Z])/g, (verb) => {
    if (verb === "%%") return "%";
    const each = args[i++];
    if (each === undefined) return `%!${verb.at(-1)}(MISSING)`;
    if (verb.endsWith("f") && isNumber(each)) return each.toFixed(Number(/\.(\d+)/.exec(verb)?.[1] ?? 6));
    return isText(each) ? (verb.endsWith("q") ? JSON.stringify(each) : each) : JSON.stringify(toJson(each));
  });
});
define("format_int", 2, (a: Value, base: Value) =>
  isNumber(a) && isNumber(base) && [2, 8, 10, 16].includes(base) ? Math.trunc(a).toString(base) : undefined,
);
define("to_number", 1, (a: Value) => {
  if (a === null) return 0;
  if (typeof a === "boolean") return Number(a);
  if (isNumber(a)) return a;
  return isText(a) && /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/.test(a) ? Number(a) : undefined;
});

texts("re_match regex.match", (pattern, value) => regexTest(pattern)(value));
define("glob.match", 3, (pattern: Value, delimiters: Value, value: Value) => {
  const by = delimiters === null ? [] : membersOf(delimiters);
  if (!isText(pattern) || !isText(value) || !by?.every(isText)) return undefined;
  return regexTest(globPattern(pattern, by.length === 0 && delimiters !== null ? ["."] : (by as string[])))(value);
});

/** A glob as a regular expression: `*` stays between delimiters, `**` does not. */
function globPattern(glob: string, delimiters: readonly string[]): string {
  const none =
    delimiters.length === 0 ? "." : `[^${delimiters.map((each) => each.replace(/[\\\]^-]/g, "\\$&")).join("")}]`;
  const out = glob.replace(/\*\*|[*?]|\{[^}]*\}|\[[^\]]*\]|[\s\S]/g, (part) => {
    if (part === "**") return ".*";
    if (part === "*") return `${none}*`;
    if (part === "?") return none;
    if (part.startsWith("{"))
      return `(?:${part
        .slice(1, -1)
        .split(",")
        .map((each) => each.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
        .join("|")})`;
    if (part.length > 1) return part.replace("[!", "[^");
    return part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  });
  return `^(?s:${out})$`;
}

for (const type of ["null", "boolean", "number", "string", "array", "object", "set"])
  define(`is_${type}`, 1, (a: Value) => typeName(a) === type);
define("type_name", 1, (a: Value) => typeName(a));
define("cast_array", 1, (a: Value) => membersOf(a));
define("cast_set", 1, (a: Value) => membersOf(a) && new RegoSet(membersOf(a)));

define("json.marshal", 1, (a: Value) => JSON.stringify(toJson(a)));
text("json.unmarshal", (a) => parsed(a));
text("json.is_valid", (a) => parsed(a) !== undefined);
text("base64.encode", (a) => Buffer.from(a).toString("base64"));
text("base64.decode", (a) => Buffer.from(a, "base64").toString());
text("base64url.encode", (a) => Buffer.from(a).toString("base64url"));
text("base64url.decode", (a) => Buffer.from(a, "base64url").toString());
text("urlquery.encode", (a) => encodeURIComponent(a).replace(/%20/g, "+"));
text("urlquery.decode", (a) => guarded(() => decodeURIComponent(a.replaceAll("+", " "))));
text("crypto.sha256", (a) => createHash("sha256").update(a).digest("hex"));
text("crypto.sha1", (a) => createHash("sha1").update(a).digest("hex"));
text("crypto.md5", (a) => createHash("md5").update(a).digest("hex"));
texts("crypto.hmac.sha256", (a, key) => createHmac("sha256", key).update(a).digest("hex"));
text("io.jwt.decode", (token) => {
  const [head, payload, signature] = token.split(".");
  const read = (part: string | undefined): Value | undefined => parsed(Buffer.from(part ?? "", "base64url").toString());
  const [header, claims] = [read(head), read(payload)];
  return header === undefined || claims === undefined || signature === undefined
    ? undefined
    : [header, claims, Buffer.from(signature, "base64url").toString("hex")];
});
define("time.now_ns", 0, () => Date.now() * 1e6);
text("time.parse_rfc3339_ns", (a) => (Number.isNaN(Date.parse(a)) ? undefined : Date.parse(a) * 1e6));

texts("net.cidr_contains", (network, inner) => {
  const [a, b] = [networkOf(network), networkOf(inner)];
  if (!a || !b || a.bits !== b.bits || b.length < a.length) return a && b ? false : undefined;
  const shift = BigInt(a.bits - a.length);
  return a.value >> shift === b.value >> shift;
});
BUILTINS.set("net.cidr_overlap", BUILTINS.get("net.cidr_contains") as Builtin);

function networkOf(
  text: string,
): { readonly value: bigint; readonly bits: number; readonly length: number } | undefined {
  const [address = "", prefix] = text.split("/");
  const version = isIP(address);
  if (version === 0 || address.includes("%")) return undefined;
  const bits = version === 4 ? 32 : 128;
  const length = prefix === undefined ? bits : Number(prefix);
  if (!Number.isInteger(length) || length < 0 || length > bits) return undefined;
  if (version === 4)
    return { value: address.split(".").reduce((sum, each) => sum * 256n + BigInt(each), 0n), bits, length };
  const dotted = address.replace(
    /(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
    (_, a, b, c, d) => `${(Number(a) * 256 + Number(b)).toString(16)}:${(Number(c) * 256 + Number(d)).toString(16)}`,
  );
  const [left = "", right] = dotted.split("::");
  const groups = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const fill =
    right === undefined ? [] : Array.from({ length: 8 - groups(left).length - groups(right).length }, () => "0");
  const all = [...groups(left), ...fill, ...groups(right ?? "")];
  return { value: all.reduce((sum, each) => sum * 65_536n + BigInt(`0x${each}`), 0n), bits, length };
}

function trimmed(value: string, cut: string, left: boolean, right: boolean): string {
  let [from, to] = [0, value.length];
  while (left && from < to && cut.includes(value[from] as string)) from++;
  while (right && to > from && cut.includes(value[to - 1] as string)) to--;
  return value.slice(from, to);
}

function parsed(json: string): Value | undefined {
  return guarded(() => fromJson(JSON.parse(json)));
}

function guarded<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined; // the function has no value for this argument
  }
}
