import type { CST } from "yaml";
import { type Chunk, chunksOf } from "./chunks.ts";
import { fieldText, listSyntax, sizeOf } from "./items.ts";
import { lineOfPath, type Path } from "./place.ts";
import { checkSize, checkText, compose, lineAt, linesOf, type Syntax, syntaxOf, type YamlLimits } from "./syntax.ts";
import { contentOf } from "./value.ts";
import { YamlError } from "./yaml-error.ts";

/** One object of a manifest, not yet checked, with the lines of its fields. */
export interface RawObject {
  readonly value: Readonly<Record<string, unknown>>;
  /** First line of the object, from 1. */
  readonly line: number;
  /** Where it is in its document: empty, or `items`, 0 in a list. */
  readonly path: Path;
  /** The line of the field at a path, or of its nearest parent that exists. */
  lineOf(path: Path): number;
}

/** Why a text, or one document of it, is not an object. */
export interface ManifestError {
  readonly line: number;
  readonly message: string;
}

/** What a step of reading brought; undefined when it is only a good moment for a pause. */
export type ManifestStep = { readonly object: RawObject } | { readonly error: ManifestError } | undefined;

export interface ManifestOptions extends YamlLimits {
  /** Most objects (10,000). */
  readonly maxObjects?: number;
  /**
   * Says of an object that is too large to be read whether it may be skipped silently, because it is nobody's here.
   * @param apiVersion empty when it is unknown
   */
  readonly leaves?: (apiVersion: string, kind: string) => boolean;
}

const MAX_OBJECTS = 10_000;
/** Smaller lists are read at once. */
const SMALL_LIST = 2_000;

/**
 * Reads the objects of a text step by step, as kubectl reads them: YAML or JSON, several documents, lists (of any kind that ends with
 * `List`) taken apart, empty documents left out. A document with an error gives no objects and does not disturb the others. Each
 * step takes some milliseconds at the most, so that a caller may do something else in between.
 * @param content text, or the bytes of a file, which must be UTF-8
 */
export function* manifestSteps(content: string | Uint8Array, options: ManifestOptions = {}): Generator<ManifestStep> {
  const text = typeof content === "string" ? content : decodeUtf8(content);
  if (text === undefined) {
    yield { error: { line: 1, message: "is not UTF-8 text; save it as UTF-8" } };
    return;
  }
  const max = options.maxObjects ?? MAX_OBJECTS;
  let count = 0;
  try {
    checkText(text, options);
  } catch (error) {
    yield { error: errorOf(error, 1, linesOf(text)) };
    return;
  }
  // A lonely carriage return ends a line, too.
  for (const chunk of chunksOf(text.replace(/\r(?!\n)/g, "\n"))) {
    for (const step of chunkSteps(chunk, options)) {
      if (step && "object" in step && ++count > max) {
        yield { error: { line: step.object.line, message: `has more than ${max} objects; split it` } };
        return;
      }
      yield step;
    }
    yield undefined;
  }
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined; // the decoder has no other reason
  }
}

function* chunkSteps({ text, line, error: message }: Chunk, options: ManifestOptions): Generator<ManifestStep> {
  if (message !== undefined) {
    yield { error: { line, message } };
    return;
  }
  let lineStarts: readonly number[] = linesOf(text);
  try {
    const syntax = yield* syntaxOf(text, options);
    lineStarts = syntax.lineStarts;
    yield* documentSteps(syntax, line, options);
  } catch (error) {
    yield { error: errorOf(error, line, lineStarts) };
  }
}

function* documentSteps(syntax: Syntax, line: number, options: ManifestOptions): Generator<ManifestStep> {
  const { tokens, lineStarts, size, anchored } = syntax;
  const documents = tokens.filter((each) => each.type === "document");
  const [document] = documents;
  const list = size > SMALL_LIST && !anchored && documents.length === 1 && document && listSyntax(document);
  if (!list) {
    if (document && documents.length === 1 && isLeft(document, size, options)) return;
    checkSize(size, options);
    yield undefined;
    for (const { contents } of compose(tokens)) {
      yield undefined;
      const content = contentOf(contents);
      yield undefined;
      yield* objectSteps(contents, content, lineStarts, line, {});
    }
    return;
  }
  const [head] = compose(tokens.map((each) => (each === document ? list.head : each)));
  const parent = parentOf(contentOf(head?.contents));
  for (const [i, item] of list.items.entries())
    try {
      const itemSize = sizeOf(item, options.maxTokens ?? size);
      if (isLeft(item, itemSize, options)) continue;
      checkSize(itemSize, options);
      for (const { contents } of compose([item]))
        yield* objectSteps(contents, contentOf(contents), lineStarts, line, parent, [], ["items", i]);
    } catch (error) {
      yield { error: errorOf(error, line, lineStarts) };
    }
}

function isLeft(document: CST.Document, size: number, options: ManifestOptions): boolean {
  if (!options.leaves) return false;
  try {
    checkSize(size, options);
    return false;
  } catch {
    return options.leaves(fieldText(document, "apiVersion") ?? "", fieldText(document, "kind") ?? "");
  }
}

/** What the items of a list are when they do not say it themselves. */
interface Parent {
  readonly apiVersion?: string;
  readonly kind?: string;
}

function parentOf(list: unknown): Parent {
  const { apiVersion, kind } = (list ?? {}) as Record<string, unknown>;
  return {
    ...(typeof apiVersion === "string" ? { apiVersion } : {}),
    ...(typeof kind === "string" ? { kind: kind.replace(/List$/, "") } : {}),
  };
}

function* objectSteps(
  root: unknown,
  value: unknown,
  lineStarts: readonly number[],
  line: number,
  parent: Parent,
  /** Below `root`. */
  path: Path = [],
  /** Of `root`. */
  base: Path = [],
): Generator<ManifestStep> {
  const lineOf = (field: Path): number => line - 1 + lineOfPath(root, [...path, ...field], lineStarts);
  if (value === null && path.length + base.length === 0) return;
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    yield {
      error: { line: lineOf([]), message: "is not an object: a map with apiVersion, kind and metadata is expected" },
    };
    return;
  }
  const object = value as Record<string, unknown>;
  if (isList(object)) {
    const own = parentOf(object);
    for (const [i, item] of (object.items ?? []).entries())
      yield* objectSteps(root, item, lineStarts, line, own, [...path, "items", i], base);
    return;
  }
  const whole = object.apiVersion === undefined && object.kind === undefined ? { ...parent, ...object } : object;
  yield { object: { value: whole, line: lineOf([]), path: [...base, ...path], lineOf } };
}

/** As kubectl sees it: whatever has a list of items is one. */
function isList(object: Record<string, unknown>): object is { items?: unknown[] | null } {
  if (Array.isArray(object.items)) return true;
  return object.kind === "List" && (object.items === undefined || object.items === null);
}

function errorOf(error: unknown, line: number, lineStarts: readonly number[]): ManifestError {
  if (error instanceof YamlError) return { line: line - 1 + lineAt(lineStarts, error.offset), message: error.message };
  throw error;
}
