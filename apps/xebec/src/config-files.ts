import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import {
  editYaml,
  jsonObjects,
  type Manifest,
  type RawObject,
  readManifest,
  readYaml,
  writeYaml,
} from "@xebec/core-yaml";

/** What makes an object the same in two files; the version of its API does not matter. */
export interface ObjectId {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Kinds that belong to no namespace. */
const CLUSTER_KINDS = new Set(["Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"]);

/** Where kinds of the group `extensions` are now: an API server takes both for the same object. */
const MOVED: Readonly<Record<string, string>> = {
  Deployment: "apps",
  DaemonSet: "apps",
  ReplicaSet: "apps",
  Ingress: "networking.k8s.io",
};

/** @returns undefined for something that is not a Kubernetes object */
export function idOf(value: unknown): ObjectId | undefined {
  if (value === null || typeof value !== "object") return undefined;
  const { apiVersion, kind, metadata } = value as Record<string, unknown>;
  const { name, namespace } = (metadata ?? {}) as Record<string, unknown>;
  if (typeof apiVersion !== "string" || typeof kind !== "string" || typeof name !== "string") return undefined;
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.lastIndexOf("/")) : "";
  return {
    group: group === "extensions" ? (MOVED[kind] ?? group) : group,
    kind,
    namespace: CLUSTER_KINDS.has(kind) ? "" : typeof namespace === "string" ? namespace : "default",
    name,
  };
}

export function sameId(a: ObjectId | undefined, b: ObjectId): boolean {
  return a?.group === b.group && a.kind === b.kind && a.namespace === b.namespace && a.name === b.name;
}

interface Part {
  separator: string;
  text: string;
  /** What is in it; read when somebody asks. */
  found?: Manifest;
}

/**
 * A file of several documents, taken apart where kubectl does it: what is not changed stays as it is, to the letter. A line that begins
 * with `---` ends a document wherever it stands (YAML 1.2, section 9.1.2).
 */
export class ManifestText {
  readonly #parts: Part[] = [];
  /** The parts that hold an object; made when somebody asks. */
  #byId: Map<string, Part[]> | undefined;

  constructor(text: string) {
    let part = { separator: "", text: "" };
    const parts = [part];
    for (const line of text.split(/(?<=\n)/)) {
      if (/^\uFEFF?---(\s|$)/.test(line)) {
        part = { separator: line, text: "" };
        parts.push(part);
      } else part.text += line;
    }
    for (const { separator, text } of parts)
      for (const [i, each] of [...jsonObjects(text)].entries())
        this.#parts.push({ separator: i === 0 ? separator : "", text: each });
    if (this.#parts[0]?.text === "" && this.#parts.length > 1) this.#parts.shift();
  }

  /** Every object with the line that it begins at, those of a `List` one by one. */
  objects(): { readonly id: ObjectId; readonly value: Record<string, unknown>; readonly line: number }[] {
    let line = 1;
    return this.#parts.flatMap((part) => {
      const from = line + lines(part.separator);
      line = from + lines(part.text);
      return found(part).objects.flatMap((object) => {
        const id = idOf(object.value);
        return id ? [{ id, value: object.value as Record<string, unknown>, line: from - 1 + object.line }] : [];
      });
    });
  }

  /** An object by its identity; the first one when it is there twice. */
  find(id: ObjectId): Record<string, unknown> | undefined {
    const part = this.#partsOf(id)[0];
    return part && (objectIn(part, id)?.value as Record<string, unknown> | undefined);
  }

  /** The text of an object that is a document of its own. */
  source(id: ObjectId): string | undefined {
    const [part, ...others] = this.#partsOf(id);
    return part && others.length === 0 && found(part).objects.length === 1 && objectIn(part, id)?.path.length === 0
      ? part.text
      : undefined;
  }

  /**
   * Puts an object where one with its identity stands, else at the end.
   * @param source the object as its author wrote it
   */
  put(id: ObjectId, source: string): void {
    const text = source.endsWith("\n") ? source : `${source}\n`;
    const [part] = this.#partsOf(id);
    const path = part && objectIn(part, id)?.path;
    if (part && isSeveral(part)) {
      rewrite(part, id, text);
    } else if (part && path?.length) {
      change(part, editYaml(part.text, path, readYaml(text)));
    } else if (part) {
      // Comments above the old object stay when the new one brings none.
      const above = /^(?:[ \t]*(?:#[^\n]*)?\n)*/.exec(part.text)?.[0] ?? "";
      change(part, /^\s*#/.test(text) ? text : above + text);
      this.#separate();
    } else {
      const last = this.#parts.at(-1);
      if (last && last.text !== "" && !last.text.endsWith("\n")) last.text += "\n";
      const isFirst = this.#parts.every(({ separator, text }) => separator + text === "");
      const added = { separator: isFirst ? "" : "---\n", text };
      this.#parts.push(added);
      this.#byId?.set(idText(id), [added]);
    }
  }

  /** @returns false when there is no such object */
  remove(id: ObjectId): boolean {
    const [part, ...others] = this.#partsOf(id);
    const path = part && objectIn(part, id)?.path;
    if (!part || !path) return false;
    if (isSeveral(part)) {
      rewrite(part, id);
    } else if (path.length > 0) {
      change(part, editYaml(part.text, path, undefined));
      if (objectIn(part, id)) others.unshift(part);
    } else {
      const i = this.#parts.indexOf(part);
      this.#parts.splice(i, 1);
      const next = this.#parts[i];
      // The separator above belongs to whatever follows without one of its own.
      if (next && i === 0) next.separator = "";
      else if (next && next.separator === "") next.separator = part.separator;
    }
    this.#byId?.set(idText(id), others);
    return true;
  }

  /** JSON objects need no separator between them, but what takes the place of one does. */
  #separate(): void {
    for (const [i, part] of this.#parts.entries()) {
      if (i === 0 || part.separator !== "") continue;
      const before = this.#parts[i - 1];
      if (before && before.text !== "" && !before.text.endsWith("\n")) before.text += "\n";
      part.separator = "---\n";
      part.text = part.text.replace(/^\r?\n/, "");
    }
  }

  #partsOf(id: ObjectId): Part[] {
    if (!this.#byId) {
      this.#byId = new Map();
      for (const part of this.#parts)
        for (const { value } of found(part).objects) {
          const own = idOf(value);
          if (!own) continue;
          const parts = this.#byId.get(idText(own)) ?? [];
          if (!parts.includes(part)) this.#byId.set(idText(own), [...parts, part]);
        }
    }
    return this.#byId.get(idText(id)) ?? [];
  }

  /** True when no document is left, comments aside. */
  isEmpty(): boolean {
    return this.#parts.every((part) => found(part).objects.length === 0 && found(part).errors.length === 0);
  }

  text(): string {
    return this.#parts.map(({ separator, text }) => separator + text).join("");
  }
}

function found(part: Part): Manifest {
  part.found ??= readManifest(part.text);
  return part.found;
}

function objectIn(part: Part, id: ObjectId): RawObject | undefined {
  return found(part).objects.find((each) => sameId(idOf(each.value), id));
}

function idText({ group, kind, namespace, name }: ObjectId): string {
  return `${group}/${kind}/${namespace}/${name}`;
}

/** Documents that only the end mark `...` keeps apart. */
function isSeveral(part: Part): boolean {
  const { objects } = found(part);
  return objects.length > 1 && objects.some(({ path }) => path.length === 0);
}

/** Writes the objects of a part anew, one of them as `text`, or without it. */
function rewrite(part: Part, id: ObjectId, text?: string): void {
  const texts = found(part).objects.flatMap(({ value }) => {
    if (!sameId(idOf(value), id)) return [writeYaml(value)];
    return text === undefined ? [] : [text];
  });
  change(part, texts.join("---\n"));
}

function change(part: Part, text: string): void {
  part.text = text;
  delete part.found;
}

function lines(text: string): number {
  return text.split("\n").length - 1;
}

/** An object as YAML, for one that was inside a list. */
export function objectText(value: unknown): string {
  return writeYaml(value);
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
