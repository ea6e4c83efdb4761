import type { ParsedNode } from "yaml";
import { type Document, isMap, isNode, isSeq, LineCounter, parseAllDocuments } from "yaml";

/** One object of a manifest, not yet checked, with a way to tell lines. */
export interface RawObject {
  readonly value: Readonly<Record<string, unknown>>;
  /** First line of the object, from 1. */
  readonly line: number;
  /** The line of the field at a path, or of its nearest parent that exists. */
  lineOf(path: readonly (string | number)[]): number;
}

/** Why a text, or one document of it, is no object. */
export interface ManifestFault {
  readonly line: number;
  readonly message: string;
}

export interface Manifest {
  readonly objects: readonly RawObject[];
  readonly faults: readonly ManifestFault[];
}

const MAX_DOCUMENTS = 10_000;
/** Aliases multiply what a few bytes can stand for. */
const MAX_ALIASES = 100;

/**
 * Parses YAML (or JSON) with one or several documents; a `List` is taken apart. A document with a fault gives no objects and
 * does not disturb the others.
 */
export function parseManifest(text: string): Manifest {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    version: "1.2",
  });
  const objects: RawObject[] = [];
  const faults: ManifestFault[] = [];
  if (!Array.isArray(documents)) return { objects, faults };
  if (documents.length > MAX_DOCUMENTS)
    return { objects, faults: [{ line: 1, message: `has more than ${MAX_DOCUMENTS} documents` }] };
  for (const document of documents) {
    const [error] = document.errors;
    if (error) {
      faults.push({ line: lines.linePos(error.pos[0]).line, message: yamlMessage(error.message) });
      continue;
    }
    if (document.contents === null) continue;
    try {
      take(document, document.toJS({ maxAliasCount: MAX_ALIASES }), [], lines, objects, faults);
    } catch (thrown) {
      faults.push({ line: lineAt(document, [], lines), message: (thrown as Error).message });
    }
  }
  return { objects, faults };
}

function take(
  document: Document.Parsed<ParsedNode>,
  value: unknown,
  path: readonly (string | number)[],
  lines: LineCounter,
  objects: RawObject[],
  faults: ManifestFault[],
): void {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    faults.push({
      line: lineAt(document, path, lines),
      message: "is no object: a map with apiVersion, kind and metadata is expected",
    });
    return;
  }
  const object = value as Record<string, unknown>;
  if (object.kind === "List" && Array.isArray(object.items)) {
    for (const [i, item] of object.items.entries()) take(document, item, [...path, "items", i], lines, objects, faults);
    return;
  }
  objects.push({
    value: object,
    line: lineAt(document, path, lines),
    lineOf: (field) => lineAt(document, [...path, ...field], lines),
  });
}

function lineAt(document: Document.Parsed<ParsedNode>, path: readonly (string | number)[], lines: LineCounter): number {
  let node: unknown = document.contents;
  let offset = isNode(node) && node.range ? node.range[0] : 0;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find((each) => isNode(each.key) && String(each.key) === String(part));
      if (!pair) break;
      const key: unknown = pair.key;
      if (isNode(key) && key.range) offset = key.range[0];
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      if (isNode(node) && node.range) offset = node.range[0];
      else break;
    } else break;
  }
  return lines.linePos(offset).line || 1;
}

function yamlMessage(text: string): string {
  return `is not YAML: ${text.split("\n")[0]}`;
}
