import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { logger } from "@xebec/core-log";
import type { Resource } from "@xebec/model-resources";
import { writeFileAtomic } from "@xebec/platform-files";
import { type FileContent, NO_CONTENT } from "./file-state.ts";

const log = logger("source");

/** The last good objects of each file, kept on disk: after a restart a broken file still changes nothing. */
export interface LastGood {
  load(): Promise<void>;
  save(files: ReadonlyMap<string, FileContent>): Promise<void>;
  /** What a file held when it was last good. @param path relative to the directory */
  of(path: string): FileContent;
  firstSeen(key: string): string | undefined;
}

/** @param dir where to keep it; absent: nothing is kept */
export function createLastGood(dir: string | undefined): LastGood {
  const file = dir === undefined ? undefined : join(dir, "last-good.json");
  const byPath = new Map<string, FileContent>();
  const seen = new Map<string, string>();
  let saved = "";
  return {
    async load() {
      if (!file) return;
      try {
        const stored = JSON.parse(await readFile(file, "utf8")) as Record<string, [string, Resource][]>;
        for (const [path, entries] of Object.entries(stored)) {
          byPath.set(path, { ...NO_CONTENT, resources: new Map(entries) });
          for (const [key, resource] of entries)
            if (resource.creationTimestamp) seen.set(key, resource.creationTimestamp);
        }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT")
          log.warn({ err: error, file }, "the last good state cannot be read; it is made anew");
      }
    },
    async save(files) {
      if (!file || dir === undefined) return;
      const stored: Record<string, [string, Resource][]> = {};
      for (const content of files.values())
        for (const [key, resource] of content.resources) {
          const path = resource.origin?.source ?? "";
          stored[path] = [...(stored[path] ?? []), [key, resource]];
        }
      const text = JSON.stringify(stored);
      if (text === saved) return;
      try {
        await mkdir(dir, { recursive: true, mode: 0o700 });
        await writeFileAtomic(file, text);
        saved = text;
      } catch (error) {
        // A full or read-only disk takes the safety net away, nothing else.
        log.warn({ err: error, file }, "the last good state cannot be written");
      }
    },
    of: (path) => byPath.get(path) ?? NO_CONTENT,
    firstSeen: (key) => seen.get(key),
  };
}
