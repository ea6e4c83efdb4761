import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import { parseDocument, stringify } from "yaml";

/** What makes an object the same in two files; the version of its API does not matter. */
export interface ObjectId {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Kinds that belong to no namespace. */
const CLUSTER_KINDS = new Set(["Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"]);

/** @returns undefined for something that is no Kubernetes object */
export function idOf(value: unknown): ObjectId | undefined {
  if (value === null || typeof value !== "object") return undefined;
  const { apiVersion, kind, metadata } = value as Record<string, unknown>;
  const { name, namespace } = (metadata ?? {}) as Record<string, unknown>;
  if (typeof apiVersion !== "string" || typeof kind !== "string" || typeof name !== "string") return undefined;
  return {
    group: apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.lastIndexOf("/")) : "",
    kind,
    namespace: CLUSTER_KINDS.has(kind) ? "" : typeof namespace === "string" ? namespace : "default",
    name,
  };
}

export function sameId(a: ObjectId | undefined, b: ObjectId): boolean {
  return a?.group === b.group && a.kind === b.kind && a.namespace === b.namespace && a.name === b.name;
}

/**
 * A file of several YAML documents, taken apart at the lines `---`: what is not changed stays as it is, to the letter.
 * A line that begins with `---` ends a document wherever it stands (YAML 1.2, section 9.1.2).
 */
export class ManifestText {
  readonly #parts: { separator: string; text: string }[] = [];

  constructor(text: string) {
    let part = { separator: "", text: "" };
    for (const line of text.split(/(?<=\n)/)) {
      if (/^---(\s|$)/.test(line)) {
        this.#parts.push(part);
        part = { separator: line, text: "" };
      } else part.text += line;
    }
    this.#parts.push(part);
    if (this.#parts[0]?.text === "" && this.#parts.length > 1) this.#parts.shift();
  }

  /** Every object with the line that it begins at, those of a `List` one by one. */
  objects(): { readonly id: ObjectId; readonly value: Record<string, unknown>; readonly line: number }[] {
    let line = 1;
    return this.#parts.flatMap(({ separator, text }) => {
      const from = line + lines(separator);
      line = from + lines(text);
      const first = from + lines(/^(?:[ \t]*(?:#[^\n]*)?\n)*/.exec(text)?.[0] ?? "");
      return items(contentOf(text)).flatMap((value) => {
        const id = idOf(value);
        return id ? [{ id, value: value as Record<string, unknown>, line: first }] : [];
      });
    });
  }

  /**
   * Puts an object where one with its identity stands, else at the end.
   * @param source the object as its author wrote it
   */
  put(id: ObjectId, source: string): void {
    const text = source.endsWith("\n") ? source : `${source}\n`;
    for (const part of this.#parts) {
      const value = contentOf(part.text);
      if (sameId(idOf(value), id)) {
        // Comments above the old object stay when the new one brings none.
        const above = /^(?:[ \t]*(?:#[^\n]*)?\n)*/.exec(part.text)?.[0] ?? "";
        part.text = /^\s*#/.test(text) ? text : above + text;
        return;
      }
      const at = isList(value) ? items(value).findIndex((each) => sameId(idOf(each), id)) : -1;
      if (at >= 0) {
        const document = parseDocument(part.text);
        document.setIn(["items", at], document.createNode(parseDocument(text).toJS()));
        part.text = document.toString();
        return;
      }
    }
    const last = this.#parts.at(-1);
    if (last && last.text !== "" && !last.text.endsWith("\n")) last.text += "\n";
    this.#parts.push({ separator: this.text() === "" ? "" : "---\n", text });
  }

  /** @returns false when there is no such object */
  remove(id: ObjectId): boolean {
    for (const [i, part] of this.#parts.entries()) {
      const value = contentOf(part.text);
      if (sameId(idOf(value), id)) {
        this.#parts.splice(i, 1);
        if (i === 0 && this.#parts[0]) this.#parts[0].separator = "";
        return true;
      }
      const at = isList(value) ? items(value).findIndex((each) => sameId(idOf(each), id)) : -1;
      if (at >= 0) {
        const document = parseDocument(part.text);
        document.deleteIn(["items", at]);
        part.text = document.toString();
        return true;
      }
    }
    return false;
  }

  /** True when no document is left, comments aside. */
  isEmpty(): boolean {
    return this.#parts.every(({ text }) => {
      const value = contentOf(text);
      return value === null || value === undefined || (isList(value) && items(value).length === 0);
    });
  }

  text(): string {
    return this.#parts.map(({ separator, text }) => separator + text).join("");
  }
}

function lines(text: string): number {
  return text.split("\n").length - 1;
}

/** What a document says; undefined when it is not YAML. */
function contentOf(text: string): unknown {
  const document = parseDocument(text, { prettyErrors: false });
  if (document.errors.length > 0) return undefined;
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    return undefined; // aliases without end: no object that anybody could name
  }
}

function isList(value: unknown): value is { items: unknown[] } {
  return (
    value !== null &&
    typeof value === "object" &&
    (value as { kind?: unknown }).kind === "List" &&
    Array.isArray((value as { items?: unknown }).items)
  );
}

function items(value: unknown): unknown[] {
  return isList(value) ? value.items.flatMap(items) : [value];
}

/** An object as YAML, for one that was inside a list. */
export function objectText(value: unknown): string {
  return stringify(value);
}

/** The manifests of a directory and what is below it, by their paths. @throws XebecError unavailable for one that cannot be read */
export function readManifests(dir: string): Map<string, ManifestText> {
  const found = globSync("**/*.{yaml,yml,json}", { cwd: dir })
    .filter((path) => !path.split("/").some((part) => part.startsWith(".")))
    .sort();
  return new Map(found.map((path) => [join(dir, path), new ManifestText(readText(join(dir, path)))]));
}

/** @throws XebecError unavailable that names the file */
export function readText(path: string | 0): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new XebecError(
      "invalid_argument",
      `${path === 0 ? "standard input" : path} cannot be read: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
}
