import { Composer, CST, type Document, Lexer, Parser } from "yaml";
import { YamlError } from "./yaml-error.ts";

/** How much is read before it is trusted. */
export interface YamlLimits {
  /** Largest text, in characters (10 MiB). */
  readonly maxLength?: number;
  /** Most levels of maps and lists (100). */
  readonly maxDepth?: number;
  /** Most words and marks of one document, which are about three for each field (100,000). */
  readonly maxTokens?: number;
}

const MAX_LENGTH = 10 << 20;
const MAX_DEPTH = 100;
const MAX_TOKENS = 100_000;
/** Between two pauses, in words and marks. */
const SLICE = 5_000;

/** Scalars stay texts here; `value.ts` says what they mean. A search for double keys would be quadratic. */
const OPTIONS = {
  schema: "failsafe",
  resolveKnownTags: false,
  uniqueKeys: false,
  merge: false,
  prettyErrors: false,
  logLevel: "error",
} as const;

/** A document as its syntax tree, which is cheap, before it is composed, which is not. */
export interface Syntax {
  readonly tokens: readonly CST.Token[];
  /** Offsets at which lines begin. */
  readonly lineStarts: readonly number[];
  /** Words and marks. */
  readonly size: number;
  /** Whether something in it stands for something elsewhere. */
  readonly anchored: boolean;
}

/** @throws YamlError when the text is larger than the limit, or holds what no YAML may */
export function checkText(text: string, limits: YamlLimits = {}): void {
  const max = limits.maxLength ?? MAX_LENGTH;
  if (text.length > max) throw new YamlError(0, `has ${text.length} characters, more than ${max}; split it`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const control = text.search(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]/);
  if (control >= 0) {
    const code = text.charCodeAt(control).toString(16).padStart(2, "0");
    throw new YamlError(control, `is not YAML: it holds the control character 0x${code}`);
  }
}

/**
 * Makes the syntax tree of one document; it pauses now and then.
 * @throws YamlError when it is nested too deep
 */
export function* syntaxOf(text: string, limits: YamlLimits = {}): Generator<undefined, Syntax> {
  const maxDepth = limits.maxDepth ?? MAX_DEPTH;
  const lineStarts: number[] = [];
  const parser = new Parser((offset) => void lineStarts.push(offset));
  const tokens: CST.Token[] = [];
  let size = 0;
  let depth = 0;
  let anchored = false;
  lineStarts.push(0);
  for (const lexeme of new Lexer().lex(text)) {
    const type = CST.tokenType(lexeme);
    if (type === "flow-seq-start" || type === "flow-map-start") depth++;
    else if (type === "flow-seq-end" || type === "flow-map-end") depth--;
    else if (type === "anchor" || type === "alias") anchored = true;
    // The parser keeps what is open on its stack.
    if (depth > maxDepth || parser.stack.length > maxDepth + 2)
      throw new YamlError(parser.offset, `is nested more than ${maxDepth} levels deep`);
    tokens.push(...parser.next(lexeme));
    if (++size % SLICE === 0) yield;
  }
  tokens.push(...parser.end());
  return { tokens, lineStarts, size, anchored };
}

/** @throws YamlError when there is too much in it to be read at once */
export function checkSize(size: number, limits: YamlLimits = {}): void {
  const max = limits.maxTokens ?? MAX_TOKENS;
  if (size > max) throw new YamlError(0, `has more than ${max} fields, values and marks; split it`);
}

/** @throws YamlError for what is not YAML */
export function compose(tokens: readonly CST.Token[]): Document.Parsed[] {
  const composer = new Composer(OPTIONS);
  const documents = [...composer.compose(tokens)];
  const [stray] = composer.streamInfo().errors;
  if (stray) throw new YamlError(stray.pos[0], `is not YAML: ${stray.message.split("\n")[0]}`);
  for (const document of documents) {
    const [error] = document.errors;
    if (error) throw new YamlError(error.pos[0], `is not YAML: ${error.message.split("\n")[0]}`);
  }
  return documents;
}

/** The line of an offset, from 1. */
export function lineAt(lineStarts: readonly number[], offset: number): number {
  let [low, high] = [0, lineStarts.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((lineStarts[middle] as number) <= offset) low = middle;
    else high = middle;
  }
  return low + 1;
}

/** The offsets at which the lines of a text begin. */
export function linesOf(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}
