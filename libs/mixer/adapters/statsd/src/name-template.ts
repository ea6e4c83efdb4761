import { renderValue, type ValueMap, type ValueType } from "@xebec/mixer-sdk";

type Part = { readonly text: string } | { readonly dimension: string };

/** A metric's name with places for dimensions. */
export interface NameTemplate {
  /** The dimensions that it needs. */
  readonly dimensions: readonly string[];
  render(dimensions: ValueMap | undefined): string;
}

const FIELD = /^\.([\p{L}_][\p{L}\p{Nd}_]*)$/u;
const INDEX = /^index\s+\.\s+("(?:[^"\\\n]|\\.)*"|`[^`]*`)$/;
const LITERAL = /^("(?:[^"\\\n]|\\.)*"|`[^`]*`)$/;
const COMMENT = /^\/\*[\s\S]*\*\/$/;

/**
 * Reads a name in the syntax of Go's text/template, as far as names need it: `{{.code}}`, `{{index . "response.code"}}`, strings, comments,
 * and `{{-`, `-}}` for no space beside it.
 * @throws Error that says what is not understood
 */
export function parseNameTemplate(text: string): NameTemplate {
  const parts: Part[] = [];
  let rest = text;
  let trimNext = false;
  const add = (raw: string, trimEnd: boolean): void => {
    const start = trimNext ? raw.trimStart() : raw;
    const own = trimEnd ? start.trimEnd() : start;
    if (own !== "") parts.push({ text: own });
  };
  for (;;) {
    const at = rest.indexOf("{{");
    if (at < 0) break;
    const { body, end } = readAction(rest, at);
    const left = /^-\s/.test(body);
    const right = /\s-$/.test(body);
    add(rest.slice(0, at), left);
    trimNext = right;
    const part = partOf(body.slice(left ? 1 : 0, right ? -1 : undefined).trim());
    if (part) parts.push(part);
    rest = rest.slice(end);
  }
  add(rest, false);
  const dimensions = [...new Set(parts.flatMap((part) => ("dimension" in part ? [part.dimension] : [])))];
  return { dimensions, render: (values) => parts.map((part) => textOf(part, values)).join("") };
}

/** An action from its `{{` on: what is in it, and where it ends. Strings and comments may hold `}}`. */
function readAction(text: string, at: number): { readonly body: string; readonly end: number } {
  const action = /\{\{((?:"(?:[^"\\\n]|\\.)*"|`[^`]*`|\/\*[\s\S]*?\*\/|(?!\}\})[^"`])*)\}\}/y;
  action.lastIndex = at;
  const found = action.exec(text);
  if (!found) throw new Error(`${JSON.stringify(text.slice(at, at + 40))} has no closing }}`);
  return { body: found[1] as string, end: action.lastIndex };
}

function partOf(action: string): Part | undefined {
  if (COMMENT.test(action)) return undefined;
  const field = FIELD.exec(action)?.[1];
  if (field !== undefined) return { dimension: field };
  const [, key] = INDEX.exec(action) ?? [];
  if (key !== undefined) return { dimension: unquoted(key) };
  const [, literal] = LITERAL.exec(action) ?? [];
  if (literal !== undefined) return { text: unquoted(literal) };
  throw new Error(`{{${action}}} is not supported; write {{.NAME}} or {{index . "NAME"}} for a dimension`);
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

function textOf(part: Part, values: ValueMap | undefined): string {
  if ("text" in part) return part.text;
  const at = values?.names.indexOf(part.dimension) ?? -1;
  // Go's words for a key that a map does not have; the check of the handler lets no such template in.
  return at < 0 ? "<no value>" : renderValue(values?.types[at] as ValueType, values?.values[at]);
}
