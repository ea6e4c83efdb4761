import { Turns } from "@xebec/core-async";
import { manifestSteps } from "@xebec/core-yaml";
import { isForeign, prepareValidation } from "@xebec/galley-validate";
import { NO_CONTENT, type PlaceContent, placeKey, type ValidationRules } from "../config-source.ts";
import { PlaceReader } from "../place-reader.ts";

export interface FileContent extends PlaceContent {
  /** True when nothing in the file could be read: then objects that are missing may still be meant. */
  readonly unreadable: boolean;
}

export const NO_FILE: FileContent = { ...NO_CONTENT, unreadable: false };

/**
 * Reads a file's objects (docs/galley.md). An object that is refused keeps its last known good form; a file that does not
 * parse keeps all its objects. A long file is read in slices, between which others have their turn.
 * @param path as it is shown to users
 * @param before what the file held until now
 * @param createdAt gives the time when an object was first seen, RFC 3339
 */
export async function readFileContent(
  path: string,
  bytes: Uint8Array,
  before: PlaceContent,
  rules: ValidationRules,
  createdAt: (key: string) => string,
): Promise<FileContent> {
  const turns = new Turns(256, 1);
  const reader = new PlaceReader(path, before, rules, createdAt);
  let isBroken = false;
  for (const step of manifestSteps(bytes, { leaves: isForeign })) {
    await turns.next();
    if (!step) continue;
    if ("object" in step) {
      const loading = prepareValidation(step.object.value);
      if (loading) await loading;
      reader.add(step.object);
    } else {
      isBroken = true;
      reader.fail(step.error.line, step.error.message);
    }
  }
  if (isBroken) reader.keepAll();
  return { ...reader.content, unreadable: isBroken || reader.count === 0 };
}

/** A file that cannot be read at all withdraws nothing. */
export function unreadableFile(before: PlaceContent, path: string, message: string): FileContent {
  return {
    resources: before.resources,
    errors: [{ object: placeKey(path), source: path, line: 1, message }],
    unreadable: true,
  };
}
