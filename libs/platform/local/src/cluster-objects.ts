import { relative } from "node:path";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { createDirectoryWatcher, FileTurns } from "@xebec/platform-files";
import type { ClusterObject } from "./manifest-objects.ts";
import { objectKey } from "./manifest-objects.ts";
import { readManifests } from "./parse-manifests.ts";

const log = logger("local");

/** A finding about an object in a manifest, for its author. */
export interface Diagnostic {
  /** Relative to the configuration directory. */
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

export interface ClusterObjects extends Component {
  /** Everything in the directory, by `objectKey`; the first file, by its path, has an object. */
  readonly objects: ReadonlyMap<string, ClusterObject>;
  readonly problems: readonly Diagnostic[];
  /** Kinds that do not run here, and fields that are unknown or have no effect; the rest is applied. */
  readonly unsupported: readonly Diagnostic[];
}

/** Watches a directory for the Kubernetes objects that the local platform runs. @param changed called after each change */
export function watchClusterObjects(dir: string, changed: () => void): ClusterObjects {
  const files = new Map<
    string,
    {
      readonly objects: readonly ClusterObject[];
      readonly problems: readonly Diagnostic[];
      readonly unsupported: readonly Diagnostic[];
    }
  >();
  let objects = new Map<string, ClusterObject>();
  let synced = false;
  const shown = (path: string): string => relative(dir, path) || path;
  const update = (): void => {
    objects = new Map();
    for (const path of [...files.keys()].sort())
      for (const object of files.get(path)?.objects ?? []) {
        const key = objectKey(object);
        if (!objects.has(key)) objects.set(key, object);
      }
    if (synced) changed();
  };
  const turns = new FileTurns();
  const forget = (path: string): void =>
    turns.take(path, () => {
      files.delete(path);
      update();
    });
  const watcher = createDirectoryWatcher({
    root: dir,
    name: `manifests in ${dir}`,
    handlers: {
      file: (path, content) =>
        turns.take(path, async (isLatest) => {
          const { objects: found, errors, unsupported } = await readManifests(content);
          if (!isLatest()) return;
          const problems = errors.map((error) => ({ file: shown(path), ...error }));
          for (const problem of problems) log.warn(problem, "a manifest is rejected; what it said before stays");
          // An invalid object, or a file that was cut off, takes nothing away that runs.
          const isDoubtful = problems.length > 0 || (found.length === 0 && content.length === 0);
          const known = new Set(found.map(objectKey));
          const kept = isDoubtful ? (files.get(path)?.objects ?? []).filter((old) => !known.has(objectKey(old))) : [];
          files.set(path, {
            objects: [...found, ...kept],
            problems,
            unsupported: unsupported.map((each) => ({ file: shown(path), ...each })),
          });
          update();
        }),
      removed: forget,
      recovered: forget,
      failed: (path, error) =>
        turns.take(path, () => {
          files.set(path, {
            objects: files.get(path)?.objects ?? [],
            problems: [{ file: shown(path), line: 1, message: error.message }],
            unsupported: [],
          });
          update();
        }),
      synced: () =>
        turns.take("", () => {
          synced = true;
          update();
        }),
    },
  });
  return {
    name: "manifests",
    get objects() {
      return objects;
    },
    get problems() {
      return [...files.values()].flatMap((each) => each.problems);
    },
    get unsupported() {
      return [...files.values()].flatMap((each) => each.unsupported);
    },
    start: (signal) => watcher.start(signal),
    missing: () => (synced ? [] : [`the files of ${dir} are not read yet`]),
    close: async () => {
      await watcher.close?.();
      await turns.close();
    },
  };
}
