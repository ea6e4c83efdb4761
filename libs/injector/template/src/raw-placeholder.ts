import mustache from "mustache";

/** A raw placeholder as the template has it. */
export interface RawPlaceholder {
  /** As it is written: `{{{name}}}` or `{{&name}}`. */
  readonly text: string;
  readonly name: string;
  /** Counts from 1. */
  readonly line: number;
}

/** `[type, name, start, end]`; of a section also its tokens. */
type Token = readonly [type: string, name: string, start: number, end: number, tokens?: readonly Token[]];

/**
 * The first placeholder of a template that would write a value unquoted (docs/adr/0008). `{{&values.NAME}}` is allowed, inside a
 * text of the template: whoever installs the mesh sets it, no pod does. The three braces never are: they are too easily mistyped.
 * @param template a text that is not valid Mustache gives undefined; rendering says what is wrong with it
 */
export function rawPlaceholder(template: string): RawPlaceholder | undefined {
  let tokens: readonly Token[];
  try {
    // Mustache's own parser sees them also behind changed delimiters and in sections.
    tokens = mustache.parse(template) as readonly Token[];
  } catch {
    return undefined;
  }
  return search(tokens, template);
}

function search(tokens: readonly Token[], template: string): RawPlaceholder | undefined {
  for (const [type, name, start, end, inner] of tokens) {
    const text = template.slice(start, end);
    if (type === "&" && !(name.startsWith("values.") && text.includes("&")))
      return { text, name, line: template.slice(0, start).split("\n").length };
    const found = Array.isArray(inner) ? search(inner as readonly Token[], template) : undefined;
    if (found) return found;
  }
  return undefined;
}
