import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { logger } from "@xebec/core-log";
import type { Resource } from "@xebec/model-resources";
import { readSealedJson, sealed, writeFileAtomic } from "@xebec/platform-files";
import { type FileContent, NO_CONTENT } from "./file-state.ts";

const log = logger("source");
/** Version 1 had no checksum. */
const FORMAT = "last-good 2";

/** The objects of each file, by key. */
type Stored = Record<string, [string, Resource][]>;

/** The last good objects of each file, kept on disk: after a restart a broken file still changes nothing. */
export interface LastGood {
  load(): Promise<void>;
  /** @param generation gives an object's generation, which is kept with it */
  save(files: ReadonlyMap<string, FileContent>, generation: (key: string) => number | undefined): Promise<void>;
  /** What a file held when it was last good. @param path relative to the directory */
  of(path: string): FileContent;
  /** The file was deleted: what it held is not wanted any more. */
  forget(path: string): void;
  /** The files are all read: of the others only those that `keeps` names may come back as they were. */
  settle(keeps: (path: string) => boolean): void;
  /** An object as an earlier run published it. */
  object(key: string): Resource | undefined;
}

/** @param dir where to keep it; absent: nothing is kept */
export function createLastGood(dir: string | undefined): LastGood {
  const file = dir === undefined ? undefined : join(dir, "last-good.json");
  const byPath = new Map<string, FileContent>();
  const objects = new Map<string, Resource>();
  let saved = "";
  return {
    async load() {
      if (!file) return;
      try {
        const stored = await readSealedJson<{ files: Stored }>(file, FORMAT);
        for (const [path, entries] of Object.entries(stored?.value.files ?? {})) {
          byPath.set(path, { ...NO_CONTENT, resources: new Map(entries) });
          for (const [key, resource] of entries) objects.set(key, resource);
        }
      } catch (error) {
        // Nothing of it, rather than a part: what is missing would be withdrawn.
        byPath.clear();
        objects.clear();
        log.warn({ err: error, file }, "the last good state is not used; it is made anew");
      }
    },
    async save(files, generation) {
      if (!file || dir === undefined) return;
      const stored: Stored = {};
      for (const content of files.values())
        for (const [key, resource] of content.resources) {
          const path = resource.origin?.source ?? "";
          const count = generation(key);
          stored[path] ??= [];
          stored[path].push([key, count === undefined ? resource : { ...resource, generation: count }]);
        }
      const text = sealed(FORMAT, { files: stored });
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
    forget: (path) => void byPath.delete(path),
    settle(keeps) {
      for (const path of [...byPath.keys()]) if (!keeps(path)) byPath.delete(path);
    },
    object: (key) => objects.get(key),
  };
}
