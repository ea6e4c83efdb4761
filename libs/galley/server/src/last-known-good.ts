import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { logger } from "@xebec/core-log";
import type { Resource } from "@xebec/model-resources";
import { readSealedJson, sealed, writeFileAtomic } from "@xebec/platform-files";
import { type EarlierContent, NO_CONTENT, type PlaceContent } from "./config-source.ts";

const log = logger("source");
/** Version 1 had no checksum. */
const FORMAT = "last-good 2";

/** The objects of each place, by key. */
type Stored = Record<string, [string, Resource][]>;

/** The last known good objects of each place, kept on disk: after a restart a broken file still changes nothing. */
export interface LastKnownGood extends EarlierContent {
  load(): Promise<void>;
  /** @param generation gives an object's generation, which is kept with it */
  save(places: ReadonlyMap<string, PlaceContent>, generation: (key: string) => number | undefined): Promise<void>;
}

/** @param dir where to keep it; absent: nothing is kept */
export function createLastKnownGood(dir: string | undefined): LastKnownGood {
  const file = dir === undefined ? undefined : join(dir, "last-good.json");
  const byPlace = new Map<string, PlaceContent>();
  const objects = new Map<string, Resource>();
  let saved = "";
  return {
    async load() {
      if (!file) return;
      try {
        const stored = await readSealedJson<{ files: Stored }>(file, FORMAT);
        for (const [place, entries] of Object.entries(stored?.value.files ?? {})) {
          byPlace.set(place, { ...NO_CONTENT, resources: new Map(entries) });
          for (const [key, resource] of entries) objects.set(key, resource);
        }
      } catch (error) {
        // Nothing of it, rather than a part: what is missing would be withdrawn.
        byPlace.clear();
        objects.clear();
        log.warn({ err: error, file }, "the last known good objects are not used; they are written anew");
      }
    },
    async save(places, generation) {
      if (!file || dir === undefined) return;
      const stored: Stored = {};
      for (const [place, content] of places)
        for (const [key, resource] of content.resources) {
          const count = generation(key);
          stored[place] ??= [];
          stored[place].push([key, count === undefined ? resource : { ...resource, generation: count }]);
        }
      const text = sealed(FORMAT, { files: stored });
      if (text === saved) return;
      try {
        await mkdir(dir, { recursive: true, mode: 0o700 });
        await writeFileAtomic(file, text);
        saved = text;
      } catch (error) {
        // A full or read-only disk takes the safety net away, nothing else.
        log.warn({ err: error, file }, "the last known good objects cannot be written");
      }
    },
    of: (place) => byPlace.get(place) ?? NO_CONTENT,
    forget: (place) => void byPlace.delete(place),
    settle(keeps) {
      for (const place of [...byPlace.keys()]) if (!keeps(place)) byPlace.delete(place);
    },
    object: (key) => objects.get(key),
  };
}
