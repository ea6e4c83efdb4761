import { stat } from "node:fs/promises";
import { relative } from "node:path";
import { Coalescer, sleep } from "@xebec/core-async";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { createVocabulary, type ValueType, type Vocabulary } from "@xebec/model-attributes";
import { type AttributeManifestSpec, encodeResource, keyOf, type Resource } from "@xebec/model-resources";
import { type Bus, type Conditions, createGenerationWriter } from "@xebec/platform-bus";
import { createDirectoryWatcher } from "@xebec/platform-files";
import { type FileContent, type FileFault, kept, NO_CONTENT, readFileContent } from "./file-state.ts";
import { createLastGood } from "./last-good.ts";
import { mergeFiles, sameMeaning } from "./merge.ts";

const log = logger("source");

/** Objects that vanish with a file that was emptied or cut off are withdrawn only after this quiet time. */
const WITHDRAW_AFTER_MS = 250;

export interface DirectorySourceOptions {
  readonly dir: string;
  readonly bus: Bus;
  /** Where faults and acceptances are told; absent: only the log has them. */
  readonly conditions?: Conditions;
  /** Keeps the last good state here, so that a restart with a broken file changes nothing. */
  readonly stateDir?: string;
  readonly defaultNamespace?: string;
}

/**
 * Publishes the objects of a directory of YAML files as generations of the bus state `config`. Each file is read whole; what
 * changed at once is one generation.
 */
export function createDirectorySource(options: DirectorySourceOptions): Component {
  const { dir, bus, conditions, stateDir } = options;
  const writer = createGenerationWriter({ bus, bucket: "config", source: "galley" });
  const lastGood = createLastGood(stateDir);
  const files = new Map<string, FileContent>();
  const published = new Map<string, Resource>();
  /** The objects of the files behind what was published. */
  const sources = new Map<string, Resource>();
  const firstSeen = new Map<string, string>();
  const generations = new Map<string, number>();
  const stop = new AbortController();
  let synced = false;
  let vocabulary: Vocabulary = createVocabulary();
  const shown = (path: string): string => relative(dir, path) || path;

  const publish = new Coalescer(async () => {
    if (!synced || stop.signal.aborted) return;
    const { resources, faults } = mergeFiles(files);
    vocabulary = vocabularyOf(resources.values());
    const puts = new Map<string, Uint8Array>();
    const deletes = new Set<string>();
    for (const [key, resource] of resources) {
      // Most objects are those of files that did not change.
      if (sources.get(key) === resource) continue;
      sources.set(key, resource);
      const before = published.get(key);
      if (before && sameMeaning(before, resource)) {
        // Only its place in the file moved: nobody else has to know.
        published.set(key, { ...resource, generation: before.generation ?? 1 });
        continue;
      }
      const generation = (generations.get(key) ?? before?.generation ?? 0) + 1;
      generations.set(key, generation);
      const next = { ...resource, generation };
      published.set(key, next);
      puts.set(key, encodeResource(next));
    }
    for (const key of [...published.keys()]) if (!resources.has(key)) deletes.add(key);
    for (const key of deletes) {
      published.delete(key);
      sources.delete(key);
      firstSeen.delete(key);
    }
    tell([...[...files.values()].flatMap((each) => each.faults), ...faults], resources);
    if (puts.size > 0 || deletes.size > 0) {
      await writer.apply({ puts, deletes });
      log.info({ changed: [...puts.keys()], removed: [...deletes] }, "configuration published");
    }
    await lastGood.save(files);
  });

  const told = new Map<string, string>();
  function tell(faults: readonly FileFault[], resources: ReadonlyMap<string, Resource>): void {
    const byObject = new Map<string, FileFault>();
    for (const fault of faults) {
      const first = byObject.get(fault.object);
      byObject.set(
        fault.object,
        first ? { ...first, message: `${first.message}; line ${fault.line}: ${fault.message}` } : fault,
      );
    }
    for (const [object, fault] of byObject) {
      const text = `${fault.path}:${fault.line}: ${fault.message}`;
      if (told.get(object) !== text) log.warn({ object, file: fault.path, line: fault.line }, text);
      told.set(object, text);
    }
    for (const object of [...told.keys()]) if (!byObject.has(object)) told.delete(object);
    conditions?.replace([
      ...[...byObject.values()].map((fault) => ({
        object: fault.object,
        state: "rejected" as const,
        reason: "Invalid" as const,
        message: resources.has(fault.object) ? `${fault.message} (the last good version stays in use)` : fault.message,
        source: fault.path,
        line: fault.line,
      })),
      ...[...resources].flatMap(([key, resource]) =>
        byObject.has(key)
          ? []
          : [
              {
                object: key,
                state: "accepted" as const,
                reason: "Accepted" as const,
                message: "",
                ...(resource.origin
                  ? { source: resource.origin.source, ...(resource.origin.line ? { line: resource.origin.line } : {}) }
                  : {}),
              },
            ],
      ),
    ]);
  }

  const set = (path: string, content: FileContent): void => {
    const before = files.get(path) ?? NO_CONTENT;
    const vanished = [...before.resources.keys()].some((key) => !content.resources.has(key));
    if (content.unreadable && vanished) {
      // Saved half-way, perhaps: what is missing goes only when the file stays like this.
      const both = new Map([...before.resources, ...content.resources]);
      const waiting: FileContent = { ...content, resources: both };
      files.set(path, waiting);
      void sleep(WITHDRAW_AFTER_MS, stop.signal).then(() => {
        if (stop.signal.aborted || files.get(path) !== waiting) return;
        files.set(path, content);
        void publish.request();
      });
    } else files.set(path, content);
    void publish.request();
  };

  const forget = (path: string): void => {
    files.delete(path);
    void publish.request();
  };

  const watcher = createDirectoryWatcher({
    root: dir,
    name: `directory ${dir}`,
    endings: [".yaml", ".yml", ".json"],
    handlers: {
      file(path, bytes) {
        const name = shown(path);
        const before = files.get(path) ?? lastGood.of(name);
        set(
          path,
          readFileContent(
            name,
            bytes,
            before,
            { vocabulary, ...(options.defaultNamespace ? { defaultNamespace: options.defaultNamespace } : {}) },
            seenAt,
          ),
        );
      },
      removed: forget,
      recovered: forget,
      fault(path, error) {
        const name = shown(path);
        set(path, kept(files.get(path) ?? lastGood.of(name), name, error.message));
      },
      synced() {
        synced = true;
        void publishAll();
      },
    },
  });

  /** The first publication is the whole state: what an earlier run published and is gone is withdrawn by it. */
  async function publishAll(): Promise<void> {
    const { resources } = mergeFiles(files);
    vocabulary = vocabularyOf(resources.values());
    const all = new Map<string, Uint8Array>();
    for (const [key, resource] of resources) {
      const next = { ...resource, generation: resource.generation ?? 1 };
      generations.set(key, next.generation);
      published.set(key, next);
      sources.set(key, resource);
      all.set(key, encodeResource(next));
    }
    await writer.replace(all);
    log.info({ objects: all.size }, "configuration published");
    await publish.request();
  }

  /** An object keeps the time of its first sight over edits and restarts; one that was deleted and comes back is new. */
  function seenAt(key: string): string {
    const time = firstSeen.get(key) ?? lastGood.firstSeen(key) ?? (synced ? new Date().toISOString() : startTime);
    firstSeen.set(key, time);
    return time;
  }
  let startTime = new Date(0).toISOString();

  return {
    name: "directory source",
    async start(signal) {
      await writer.start(signal);
      await lastGood.load();
      // Objects that are there at the start are as old as their directory: among them names decide the order.
      const { birthtime } = await stat(dir);
      startTime = birthtime.toISOString();
      await watcher.start(signal);
    },
    missing: () => [...(synced ? [] : [`the files of ${dir} are not read yet`]), ...(writer.missing?.() ?? [])],
    async close() {
      stop.abort();
      await watcher.close?.();
      // What is being published is also written down before the end.
      await publish.request();
      await writer.close?.();
    },
  };
}

/** The attributes that manifests add to the standard ones. */
function vocabularyOf(resources: Iterable<Resource>): Vocabulary {
  const declared: [string, ValueType][] = [];
  for (const resource of resources) {
    if (keyOf(resource).split("/")[1] !== "attributemanifest") continue;
    for (const [name, { valueType }] of Object.entries((resource.spec as AttributeManifestSpec).attributes ?? {}))
      declared.push([name, valueType as ValueType]);
  }
  return createVocabulary(declared);
}
