import { statSync } from "node:fs";
import { XebecError } from "@xebec/core-errors";
import { readManifest } from "@xebec/core-yaml";
import { idOf, ManifestText, type ObjectId, objectText, readManifests, readText } from "./config-files.ts";

/** An object that a user hands in, with its place. */
export interface InputObject {
  readonly id: ObjectId;
  readonly value: Record<string, unknown>;
  /** As its author wrote it. */
  readonly text: string;
  readonly file: string;
  readonly line: number;
  lineOf(path: readonly (string | number)[]): number;
}

/**
 * Reads `-f` arguments: files, directories, `-` for standard input.
 * @throws XebecError invalid_argument with every error and its place
 */
export function readInput(files: readonly string[]): InputObject[] {
  const found: InputObject[] = [];
  const errors: string[] = [];
  for (const name of files.flatMap(expandDirectory)) {
    const shown = name === "-" ? "standard input" : name;
    const text = readText(name === "-" ? 0 : name);
    const manifest = readManifest(text);
    errors.push(...manifest.errors.map((error) => `${shown}:${error.line}: ${error.message}`));
    const texts = new ManifestText(text);
    for (const { value, line, lineOf } of manifest.objects) {
      const id = idOf(value);
      if (id)
        found.push({ id, value: { ...value }, text: texts.source(id) ?? objectText(value), file: shown, line, lineOf });
      else errors.push(`${shown}:${line}: is not an object: apiVersion, kind and metadata.name are required`);
    }
  }
  if (errors.length > 0) throw new XebecError("invalid_argument", errors.join("\n"));
  if (found.length === 0) throw new XebecError("invalid_argument", `${files.join(", ")}: there is no object in it`);
  return found;
}

function expandDirectory(name: string): string[] {
  if (name === "-") return [name];
  try {
    return statSync(name).isDirectory() ? [...readManifests(name).keys()] : [name];
  } catch (error) {
    throw new XebecError("invalid_argument", `${name} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
