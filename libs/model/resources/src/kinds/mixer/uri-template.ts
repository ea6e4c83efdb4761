/** What a URI template matches. */
export interface UriTemplate {
  /** In RE2's syntax, for a whole path without its query. */
  readonly regex: string;
  /** Of templates that match a path the one with the smallest rank is meant: literal segments come before variables, these before `**`. */
  readonly rank: string;
}

const SEGMENT = "[^/]+";
const REST = ".*";
/** A variable of RFC 6570: `{id}`, `{id:3}`, `{+path}`, `{/a,b}`; or with a pattern of its own, as in `{name=shelves/*}`. */
const EXPRESSION = /^([+#/?&.;]?)([\w.%]+(?::\d{1,4}|\*)?(?:,[\w.%]+(?::\d{1,4}|\*)?)*)$/;
const BOUND = /^[\w.]+=(.+)$/;

/**
 * Reads the template of an HTTPAPISpec: RFC 6570, and the forms of google.api.http, which the proxy of Istio 1.1 took
 * (docs/reference/mixer.md §1.2). Parts that stand for the query match nothing: the query is no part of the path.
 * @returns a text that says what is wrong when it is no template
 */
export function readUriTemplate(text: string): UriTemplate | string {
  if (!text.startsWith("/")) return `"${text}" must begin with /`;
  let regex = "";
  let rank = "";
  let literal = "";
  const flush = (): void => {
    for (const part of literal.split(/(\/|\*\*|\*)/)) {
      if (part === "") continue;
      regex += part === "**" ? REST : part === "*" ? SEGMENT : escaped(part);
      rank += part === "**" ? "2" : part === "*" ? "1" : part === "/" ? "" : "0";
    }
    literal = "";
  };
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] as string;
    if (letter === "}") return `"${text}" has a } without {`;
    if (letter !== "{") {
      literal += letter;
      continue;
    }
    const end = text.indexOf("}", at);
    if (end < 0) return `"${text}" has a { without }`;
    const inner = text.slice(at + 1, end);
    at = end;
    const bound = BOUND.exec(inner)?.[1];
    if (bound !== undefined) {
      literal += bound;
      continue;
    }
    const [, operator = "", names = ""] = EXPRESSION.exec(inner) ?? [];
    if (names === "") return `{${inner}} is not an expression of a URI template; write for example {id}`;
    flush();
    const made = expression(operator, names.split(","));
    regex += made;
    rank += made === "" ? "" : made.includes(REST) ? "2" : "1";
  }
  flush();
  return { regex: `^(?:${regex})$`, rank };
}

function expression(operator: string, names: readonly string[]): string {
  if (operator === "?" || operator === "&" || operator === "#") return "";
  const values = names.map((name) => {
    const most = /:(\d+)$/.exec(name)?.[1];
    if (most !== undefined) return `[^/]{1,${Math.min(Math.max(Number(most), 1), 1000)}}`;
    return operator === "+" || name.endsWith("*") ? REST : SEGMENT;
  });
  if (operator === "/") return `/${values.join("/")}`;
  if (operator === ".") return `\\.${values.join("\\.")}`;
  if (operator === ";") return names.map((name) => `;${escaped(name.replace(/[:*].*$/, ""))}(?:=[^/;]*)?`).join("");
  return values.join(",");
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
