/** A part of a text that is one document, or one JSON object of several. */
export interface Chunk {
  readonly text: string;
  /** The line that it begins in, from 1. */
  readonly line: number;
  /** Why it cannot be taken; then `text` has no meaning. */
  readonly error?: string;
}

/**
 * Takes a text apart as kubectl does: at lines that begin with `---`, wherever they stand, and between JSON objects that follow each
 * other. What holds nothing but comments is left out.
 */
export function* chunksOf(text: string): Generator<Chunk> {
  let from = 0;
  let line = 1;
  let error: string | undefined;
  while (from <= text.length) {
    const at = separatorAfter(text, from);
    const end = at < 0 ? text.length : at;
    const part = text.slice(from, end);
    if (error !== undefined) yield { text: "", line: line - 1, error };
    else if (!isEmpty(part)) yield* objectsOf(part.startsWith("\uFEFF") ? part.slice(1) : part, line);
    if (at < 0) return;
    line += countLines(part);
    const next = text.indexOf("\n", at);
    const rest = text.slice(at + 3, next < 0 ? text.length : next).trim();
    error =
      rest === "" || rest.startsWith("#")
        ? undefined
        : `nothing but a comment may stand behind --- in its line, not ${JSON.stringify(rest.slice(0, 40))}; begin the document in the next line`;
    line += 1;
    from = next < 0 ? text.length + 1 : next + 1;
    if (next < 0 && error !== undefined) yield { text: "", line: line - 1, error };
  }
}

function separatorAfter(text: string, from: number): number {
  if (text.startsWith("---", from)) return from;
  if (from === 0 && text.startsWith("\uFEFF---")) return 1;
  const at = text.indexOf("\n---", from);
  return at < 0 ? -1 : at + 1;
}

/** Comments, empty lines, and directives whose document is the next part. */
function isEmpty(text: string): boolean {
  return /^\uFEFF?(?:[ \t]*(?:#[^\n]*)?\r?\n|%[^\n]*\n)*(?:[ \t]*(?:#[^\n]*)?|%[^\n]*)$/.test(text);
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++;
  return count;
}

function* objectsOf(text: string, line: number): Generator<Chunk> {
  let at = line;
  for (const each of jsonObjects(text)) {
    yield { text: each, line: at };
    at += countLines(each);
  }
}

/** The JSON objects of a document that begins with one and has others behind it, which kubectl takes; else the text as it is. */
export function* jsonObjects(text: string): Generator<string> {
  let from = 0;
  while (/^\s*\{/.test(text.slice(from, from + 4096))) {
    const end = objectEnd(text, from);
    if (end < 0 || !/^\s*\{/.test(text.slice(end, end + 4096))) break;
    yield text.slice(from, end);
    from = end;
  }
  yield from === 0 ? text : text.slice(from);
}

/** Where the first `{` is closed; -1 when it is not. */
function objectEnd(text: string, from: number): number {
  let depth = 0;
  for (let i = from; i < text.length; i++) {
    const each = text[i];
    if (each === '"') {
      for (i++; i < text.length && text[i] !== '"'; i++) if (text[i] === "\\") i++;
    } else if (each === "{" || each === "[") depth++;
    else if ((each === "}" || each === "]") && --depth === 0) return i + 1;
  }
  return -1;
}
