import { readFile } from "node:fs/promises";
import { logger } from "@xebec/core-log";
import { readJwks } from "@xebec/model-pki";
import { writeFileAtomic } from "@xebec/platform-files";

const log = logger("jwks");

/** A key set, and when it was fetched, in milliseconds since 1970. */
export interface Fetched {
  readonly jwks: string;
  readonly at: number;
}

/** Reads the key sets of an earlier process, by id. What cannot be read is left out: it will be fetched. */
export async function readKeySets(path: string): Promise<ReadonlyMap<string, Fetched>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      log.warn({ err: error, path }, "the key sets of before cannot be read");
    return new Map();
  }
  try {
    const entries = JSON.parse(text) as [string, Fetched][];
    return new Map(entries.map(([id, { jwks, at }]) => [id, { jwks: readJwks(jwks), at: Number(at) }]));
  } catch (error) {
    log.warn({ err: error, path }, "the key sets of before cannot be read");
    return new Map();
  }
}

/** Keeps key sets for the next process. */
export async function writeKeySets(path: string, sets: ReadonlyMap<string, Fetched>): Promise<void> {
  await writeFileAtomic(path, JSON.stringify([...sets])).catch((error: unknown) =>
    log.warn({ err: error }, "the key sets cannot be kept for a restart"),
  );
}
