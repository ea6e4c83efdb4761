import { RE2JS } from "re2js";
import type { Functions } from "../pipeline.ts";
import { TemplateError } from "../template-error.ts";
import { Markup, textOf } from "../values.ts";

const MAX_REPEATED = 1 << 20;
const MAX_INDENT = 1_000;

/** Changes a text and leaves it what it was: a value, or syntax of the output. */
const kept =
  (change: (text: string) => string) =>
  (value: unknown): unknown =>
    value instanceof Markup ? new Markup(change(value.text)) : change(textOf(value));

/** Sprig's functions on texts. */
export const TEXTS: Functions = {
  quote: (...values) =>
    new Markup(
      present(values)
        .map((each) => JSON.stringify(textOf(each)))
        .join(" "),
    ),
  squote: (...values) =>
    new Markup(
      present(values)
        .map((each) => `'${textOf(each).replaceAll("'", "''")}'`)
        .join(" "),
    ),
  upper: (text) => textOf(text).toUpperCase(),
  lower: (text) => textOf(text).toLowerCase(),
  title: (text) =>
    textOf(text).replace(/(^|\s)(\S)/g, (_, space: string, letter: string) => space + letter.toUpperCase()),
  untitle: (text) =>
    textOf(text).replace(/(^|\s)(\S)/g, (_, space: string, letter: string) => space + letter.toLowerCase()),
  trim: kept((text) => text.trim()),
  trimAll: (cut, text) => trimmed(textOf(text), textOf(cut), true, true),
  trimSuffix: (end, text) =>
    kept((each) => (end && each.endsWith(textOf(end)) ? each.slice(0, -textOf(end).length) : each))(text),
  trimPrefix: (start, text) =>
    kept((each) => (each.startsWith(textOf(start)) ? each.slice(textOf(start).length) : each))(text),
  contains: (part, text) => textOf(text).includes(textOf(part)),
  hasPrefix: (start, text) => textOf(text).startsWith(textOf(start)),
  hasSuffix: (end, text) => textOf(text).endsWith(textOf(end)),
  replace: (from, to, text) => textOf(text).replaceAll(textOf(from), () => textOf(to)),
  repeat: (count, text) => {
    if (Number(count) * textOf(text).length > MAX_REPEATED)
      throw new TemplateError(`repeat makes more than ${MAX_REPEATED} characters`);
    return textOf(text).repeat(Math.max(Number(count), 0));
  },
  nospace: (text) => textOf(text).replace(/\s/g, ""),
  trunc: (length, text) =>
    Number(length) < 0 ? textOf(text).slice(Number(length)) : textOf(text).slice(0, Number(length)),
  substr: (from, to, text) => textOf(text).slice(Math.max(Number(from), 0), Number(to) < 0 ? undefined : Number(to)),
  cat: (...values) => present(values).map(textOf).join(" "),
  indent: (spaces, text) => kept((each) => indented(Number(spaces), each))(text),
  nindent: (spaces, text) => kept((each) => `\n${indented(Number(spaces), each)}`)(text),
  join: (separator, list) => (Array.isArray(list) ? present(list).map(textOf) : [textOf(list)]).join(textOf(separator)),
  splitList: (separator, text) => textOf(text).split(textOf(separator)),
  split: (separator, text) =>
    Object.fromEntries(
      textOf(text)
        .split(textOf(separator))
        .map((each, index) => [`_${index}`, each]),
    ),
  snakecase: (text) =>
    textOf(text)
      .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
      .replace(/[\s-]+/g, "_")
      .toLowerCase(),
  kebabcase: (text) =>
    textOf(text)
      .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
      .replace(/[\s_]+/g, "-")
      .toLowerCase(),
  camelcase: (text) => textOf(text).replace(/(?:^|[_\s-]+)([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase()),
  regexMatch: (pattern, text) => compiled(pattern).matcher(textOf(text)).find(),
  regexFind: (pattern, text) => {
    const matcher = compiled(pattern).matcher(textOf(text));
    return matcher.find() ? matcher.group() : "";
  },
  regexReplaceAll: (pattern, text, to) =>
    compiled(pattern)
      .matcher(textOf(text))
      .replaceAll(textOf(to).replace(/\$\{(\w+)\}/g, "$$$1")),
  regexReplaceAllLiteral: (pattern, text, to) =>
    compiled(pattern).matcher(textOf(text)).replaceAll(textOf(to).replace(/[\\$]/g, "\\$&")),
};

function present(values: readonly unknown[]): readonly unknown[] {
  return values.filter((each) => each !== undefined && each !== null);
}

function indented(spaces: number, text: string): string {
  const pad = " ".repeat(Math.min(Math.max(spaces, 0), MAX_INDENT));
  return pad + text.replaceAll("\n", `\n${pad}`);
}

function trimmed(text: string, cut: string, start: boolean, end: boolean): string {
  let [from, to] = [0, text.length];
  while (start && from < to && cut.includes(text[from] as string)) from++;
  while (end && to > from && cut.includes(text[to - 1] as string)) to--;
  return text.slice(from, to);
}

function compiled(pattern: unknown): RE2JS {
  try {
    return RE2JS.compile(textOf(pattern));
  } catch (error) {
    throw new TemplateError(`${textOf(pattern)} is not a regular expression: ${(error as Error).message}`);
  }
}
