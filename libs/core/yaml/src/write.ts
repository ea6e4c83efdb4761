import { Document, parseDocument, visit } from "yaml";
import { plainValue } from "./scalar.ts";

type Path = readonly (string | number)[];

/** Writes a value as YAML that `readYaml` and kubectl read back as the same value. */
export function writeYaml(value: unknown): string {
  return written(new Document(value, { aliasDuplicateObjects: false }));
}

/**
 * Puts a value into a document, or takes one out, and keeps the comments of the rest.
 * @param value undefined takes out what is at the path
 */
export function editYaml(text: string, path: Path, value: unknown): string {
  const document = parseDocument(text, { uniqueKeys: false });
  if (value === undefined) document.deleteIn(path);
  else document.setIn(path, document.createNode(value, { aliasDuplicateObjects: false }));
  return written(document);
}

/** Texts that YAML 1.1 reads as something else (`yes`, `0777`) get quotes. */
function written(document: Document | ReturnType<typeof parseDocument>): string {
  visit(document as Document, {
    Scalar(_key, node) {
      if (typeof node.value === "string" && node.source === undefined && !isPlain(node.value))
        node.type = "QUOTE_DOUBLE";
    },
  });
  return document.toString();
}

function isPlain(text: string): boolean {
  return plainValue(text) === text && text !== "<<";
}
