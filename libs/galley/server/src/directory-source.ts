import { stat } from "node:fs/promises";
import { relative } from "node:path";
import { backoff, Coalescer, sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { MixerContext } from "@xebec/galley-validate";
import type { ConfigPosition } from "@xebec/model-resources";
import { type Bus, type Conditions, createRevisionWriter } from "@xebec/platform-bus";
import { createDirectoryWatcher, FileTurns } from "@xebec/platform-files";
import { CurrentMixer, mayHoldRules } from "./current-mixer.ts";
import { type FileContent, kept, NO_CONTENT, readFileContent } from "./file-state.ts";
import { createLastGood } from "./last-good.ts";
import { mergeFiles } from "./merge.ts";
import { Publication } from "./publication.ts";
import { Teller } from "./telling.ts";

const log = logger("source");

/** Objects that vanish with a file that was emptied or cut off are withdrawn only after this quiet time. */
const WITHDRAW_AFTER_MS = 250;
/** How long the end waits for a publication that is under way. In milliseconds. */
const LAST_WORD_MS = 1_000;
/** Most keys of objects in one line of the log. */
const LOGGED = 50;
const RETRY = { baseMs: 1_000, maxMs: 30_000 };

/** Keys as they are logged: of very many the first ones, a line of thousands helps nobody and holds the loop up. */
function some(keys: Iterable<string>): string[] {
  const all = [...keys];
  return all.length <= LOGGED ? all : [...all.slice(0, LOGGED), `and ${all.length - LOGGED} more`];
}

export interface DirectorySourceOptions {
  readonly dir: string;
  readonly bus: Bus;
  /** Where faults and acceptances are told; absent: only the log has them. */
  readonly conditions?: Conditions;
  /** Keeps the last good state here, so that a restart with a broken file changes nothing. */
  readonly stateDir?: string;
  readonly defaultNamespace?: string;
}

export interface DirectorySource extends Component {
  /** What objects of Mixer's are checked against now. */
  mixer(): MixerContext;
}

/**
 * Publishes the objects of a directory of YAML files as revisions of the bucket `config`. Each file is read whole; what
 * changed at once is one revision.
 */
export function createDirectorySource(options: DirectorySourceOptions): DirectorySource {
  const { dir, bus, conditions, stateDir } = options;
  let position: ConfigPosition | undefined;
  const writer = createRevisionWriter({
    ...{ bus, bucket: "config", source: "galley" },
    committed(next) {
      position = next;
      void conditions?.observed(next);
    },
  });
  const lastGood = createLastGood(stateDir);
  const publication = new Publication((key) => lastGood.object(key));
  const teller = new Teller(conditions, (key) => publication.generation(key));
  const mixer = new CurrentMixer();
  const files = new Map<string, FileContent>();
  /** The bytes of files that may hold rules, which are validated again when there are other attributes. */
  const ruleFiles = new Map<string, Uint8Array>();
  const firstSeen = new Map<string, string>();
  const stop = new AbortController();
  let startTime = new Date(0).toISOString();
  let synced = false;
  /** The next publication is everything: what an earlier run, or a failed publication, left behind is withdrawn by it. */
  let whole = true;
  let failures = 0;
  let problem: string | undefined;
  const shown = (path: string): string => relative(dir, path) || path;

  const publish = new Coalescer(async () => {
    if (!synced || stop.signal.aborted) return;
    try {
      await publishNow();
      failures = 0;
      problem = undefined;
    } catch (error) {
      whole = true;
      // The end cuts a publication off that the bus does not take; the next start does it.
      if (stop.signal.aborted) return;
      problem = `the configuration cannot be published: ${XebecError.from(error).message}`;
      log.error({ err: error }, "the configuration cannot be published; trying again");
      void sleep(backoff(failures++, RETRY), stop.signal).then(() => publish.request());
    }
  });

  async function publishNow(): Promise<void> {
    let merged = mergeFiles(files);
    if (mixer.update(merged.resources.values())) {
      for (const [path, bytes] of ruleFiles) {
        const content = await readNow(path, bytes);
        // A newer form may have come meanwhile.
        if (ruleFiles.get(path) === bytes) put(path, content);
      }
      merged = mergeFiles(files);
    }
    const { resources, faults } = merged;
    const { puts, deletes } = await publication.update(resources);
    for (const key of deletes) firstSeen.delete(key);
    teller.refuse([...[...files.values()].flatMap((each) => each.faults), ...faults], resources);
    // Before the bus has it: what is good does not depend on whether the bus is there.
    await lastGood.save(files, (key) => publication.generation(key));
    if (!whole && puts.size === 0 && deletes.size === 0) return teller.published(resources, position);
    if (whole) await writer.replace(await publication.all());
    else await writer.apply({ puts, deletes });
    whole = false;
    await teller.published(resources, position);
    log.info({ changed: some(puts.keys()), removed: some(deletes) }, "configuration published");
  }

  function readNow(path: string, bytes: Uint8Array): Promise<FileContent> {
    const name = shown(path);
    const { defaultNamespace } = options;
    const before = files.get(path) ?? lastGood.of(name);
    const rules = { mixer: mixer.context, ...(defaultNamespace ? { defaultNamespace } : {}) };
    return readFileContent(name, bytes, before, rules, seenAt);
  }

  function put(path: string, content: FileContent): void {
    const before = files.get(path) ?? NO_CONTENT;
    const vanished = [...before.resources.keys()].some((key) => !content.resources.has(key));
    if (!content.unreadable || !vanished) {
      files.set(path, content);
      return;
    }
    // Saved half-way, perhaps: what is missing goes only when the file stays like this.
    const waiting: FileContent = { ...content, resources: new Map([...before.resources, ...content.resources]) };
    files.set(path, waiting);
    void sleep(WITHDRAW_AFTER_MS, stop.signal).then(() => {
      if (stop.signal.aborted || files.get(path) !== waiting) return;
      files.set(path, content);
      void publish.request();
    });
  }

  const turns = new FileTurns();
  function inOrder(path: string, work: (isLatest: () => boolean) => void | Promise<void>): void {
    turns.take(path, async (isLatest) => {
      await work(isLatest);
      void publish.request();
    });
  }

  const watcher = createDirectoryWatcher({
    root: dir,
    name: `directory ${dir}`,
    endings: [".yaml", ".yml", ".json"],
    handlers: {
      file: (path, bytes) =>
        inOrder(path, async (isLatest) => {
          const content = await readNow(path, bytes);
          // What came meanwhile is read next.
          if (!isLatest()) return;
          if (mayHoldRules(bytes)) ruleFiles.set(path, bytes);
          else ruleFiles.delete(path);
          put(path, content);
        }),
      removed: (path) =>
        inOrder(path, () => {
          lastGood.forget(shown(path));
          ruleFiles.delete(path);
          files.delete(path);
        }),
      recovered: (path) => inOrder(path, () => void files.delete(path)),
      fault: (path, error) =>
        inOrder(path, () => {
          const name = shown(path);
          ruleFiles.delete(path);
          put(path, kept(files.get(path) ?? lastGood.of(name), name, error.message));
        }),
      synced: () =>
        inOrder("", () => {
          synced = true;
          // What was deleted while nobody looked does not come back either, except behind a folder that cannot be read now.
          const known = [...files.keys()].map(shown);
          lastGood.settle((path) => known.some((each) => path === each || path.startsWith(`${each}/`)));
        }),
    },
  });

  /** An object keeps the time of its first sight over edits and restarts; one that was deleted and comes back is new. */
  function seenAt(key: string): string {
    const earlier = synced ? new Date().toISOString() : (lastGood.object(key)?.creationTimestamp ?? startTime);
    const time = firstSeen.get(key) ?? earlier;
    firstSeen.set(key, time);
    return time;
  }

  return {
    name: "directory source",
    mixer: () => mixer.context,
    async start(signal) {
      await writer.start(signal);
      await lastGood.load();
      // Objects that are there at the start are as old as their directory: among them names decide the order. A directory that is
      // not there yet is waited for; the watcher tells.
      const found = await stat(dir).catch(() => undefined);
      startTime = (found?.birthtime ?? new Date()).toISOString();
      await watcher.start(signal);
    },
    missing: () => [
      ...(synced ? [] : [`the files of ${dir} are not read yet`]),
      ...(watcher.missing?.() ?? []).filter(() => !synced),
      ...(problem ? [problem] : []),
      ...(writer.missing?.() ?? []),
    ],
    async close() {
      stop.abort();
      await watcher.close?.();
      await turns.close();
      // What is being published ends first, unless the bus does not take it.
      const ended = new AbortController();
      await Promise.race([publish.request(), sleep(bus.connected ? LAST_WORD_MS : 0, ended.signal)]);
      ended.abort();
      await writer.close?.();
      await publish.request();
    },
  };
}
