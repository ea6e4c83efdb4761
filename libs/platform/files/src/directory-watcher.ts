import { type FSWatcher, type Stats, statSync, watch } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { Coalescer, sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";

/** So many folders and files can be looked at without waiting: it takes less than a millisecond. */
const GLANCE_FILES = 64;

export interface DirectoryHandlers {
  /** A file is new or changed, and was still; `content` is all of it. */
  file(path: string, content: Buffer): void;
  /** A file is gone. */
  removed(path: string): void;
  /** A file or folder cannot be read, or is too large; what was reported of it before stays as it is. */
  failed(path: string, error: XebecError): void;
  /** A folder that failed can be read again; of a file `file` or `removed` says so. */
  recovered(path: string): void;
  /** Called once, when everything that was there at the start has been reported. */
  synced(): void;
}

export interface DirectoryWatcherOptions {
  readonly root: string;
  readonly handlers: DirectoryHandlers;
  readonly name?: string;
  /** Endings of the files to read (`.yaml`, `.yml`). Names that begin with a dot are left out. */
  readonly endings?: readonly string[];
  /** Exactly these files of the folder itself, and nothing below it, whatever they end with. */
  readonly names?: readonly string[];
  /** A file is read when its size and times have not changed for this long, in milliseconds (5). */
  readonly stillMs?: number;
  /** Everything is looked at again this often, for events that were lost, in milliseconds (2,000). */
  readonly rescanMs?: number;
  /** Largest file, in bytes (10 MiB). */
  readonly maxBytes?: number;
  /** Most files (20,000). */
  readonly maxFiles?: number;
}

const log = logger("files");
/** How long a file may go on changing before it is looked at again with the next scan, in milliseconds. */
const RESTLESS_MS = 5_000;

/**
 * Watches a folder and everything below it. Events of the system make it fast, a slow scan makes it sure. A root that vanishes
 * is an error, not the removal of its files.
 */
export function createDirectoryWatcher(options: DirectoryWatcherOptions): Component {
  return new DirectoryWatcher(options);
}

class DirectoryWatcher implements Component {
  readonly name: string;
  readonly #root: string;
  readonly #handlers: DirectoryHandlers;
  readonly #endings: ReadonlySet<string>;
  readonly #names: ReadonlySet<string> | undefined;
  readonly #stillMs: number;
  readonly #maxBytes: number;
  readonly #maxFiles: number;
  readonly #rescanMs: number;
  /** The form in which each file was reported: its size, times and inode; also of one that cannot be read in this form. */
  readonly #reported = new Map<string, string>();
  readonly #folders = new Map<string, FSWatcher>();
  /** The errors of folders that were reported, until they recover. */
  readonly #errors = new Map<string, XebecError>();
  readonly #looking = new Map<string, { again: boolean; done: Promise<void> }>();
  readonly #scan = new Coalescer(() => this.#scanAll());
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #synced = false;
  /** What the last glance saw. */
  #glanced = "";

  constructor(options: DirectoryWatcherOptions) {
    this.#root = options.root;
    this.name = options.name ?? `folder ${options.root}`;
    this.#handlers = options.handlers;
    this.#endings = new Set(options.endings ?? [".yaml", ".yml"]);
    this.#names = options.names && new Set(options.names);
    this.#stillMs = options.stillMs ?? 5;
    this.#maxBytes = options.maxBytes ?? 10 << 20;
    this.#maxFiles = options.maxFiles ?? 20_000;
    this.#rescanMs = options.rescanMs ?? 2_000;
  }

  async start(): Promise<void> {
    this.#timer = setInterval(() => {
      if (!this.#looksUnchanged()) void this.#scan.request();
    }, this.#rescanMs);
    this.#timer.unref();
    void this.#scan.request();
  }

  missing(): readonly string[] {
    const error = this.#errors.get(this.#root);
    if (error && error.code !== "resource_exhausted") return [error.message];
    return this.#synced ? [] : [`${this.#root} is being read`];
  }

  async close(): Promise<void> {
    this.#stop.abort();
    clearInterval(this.#timer);
    for (const each of this.#folders.values()) each.close();
    this.#folders.clear();
    await Promise.all([...this.#looking.values()].map((each) => each.done));
  }

  /**
   * A glance at the folders and files that are known, as long as they are few: a whole scan takes ten times as long. Whatever comes or
   * goes changes its folder.
   */
  #looksUnchanged(): boolean {
    const paths = [...this.#folders.keys(), ...this.#reported.keys()];
    const few = this.#synced && this.#errors.size === 0 && paths.length <= GLANCE_FILES;
    const seen = few ? paths.map((path) => `${path}:${markOf(path)}`).join() : "";
    const unchanged = seen !== "" && seen === this.#glanced;
    // As it was before a scan: what changes during it is scanned once more.
    this.#glanced = seen;
    return unchanged;
  }

  async #scanAll(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const found = new Set<string>();
    const errors = new Map<string, XebecError>();
    try {
      if (!(await stat(this.#root)).isDirectory())
        throw new XebecError("failed_precondition", `${this.#root} is not a directory`);
      await this.#scanFolder(this.#root, found, errors);
    } catch (error) {
      for (const each of this.#folders.values()) each.close();
      this.#folders.clear();
      const what = `the folder ${this.#root} cannot be read; create it or choose another one`;
      const reported = error instanceof XebecError ? error : new XebecError("not_found", what, { cause: error });
      this.#reportErrors(new Map([[this.#root, reported]]));
      return;
    }
    this.#reportErrors(errors);
    const gone = [...this.#reported.keys()].filter((path) => !found.has(path));
    await Promise.all([...found, ...gone].map((path) => this.#look(path)));
    if (this.#synced || this.#stop.signal.aborted) return;
    this.#synced = true;
    this.#guard(() => this.#handlers.synced());
  }

  #reportErrors(errors: ReadonlyMap<string, XebecError>): void {
    for (const path of [...this.#errors.keys()])
      if (!errors.has(path)) {
        this.#errors.delete(path);
        this.#guard(() => this.#handlers.recovered(path));
      }
    for (const [path, error] of errors) {
      if (this.#errors.get(path)?.message === error.message) continue;
      this.#errors.set(path, error);
      this.#guard(() => this.#handlers.failed(path, error));
    }
  }

  /** Listens to a folder first and lists it then, so that nothing falls between. */
  async #scanFolder(folder: string, found: Set<string>, errors: Map<string, XebecError>): Promise<void> {
    this.#listen(folder);
    let entries: { name: string; isDirectory(): boolean; isSymbolicLink(): boolean }[];
    try {
      entries = await readdir(folder, { withFileTypes: true });
    } catch (error) {
      if (folder === this.#root) throw error;
      this.#folders.get(folder)?.close();
      this.#folders.delete(folder);
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "ENOTDIR") return;
      errors.set(folder, new XebecError("permission_denied", `the folder ${folder} cannot be read`, { cause: error }));
      for (const path of this.#reported.keys()) if (path.startsWith(`${folder}/`)) found.add(path);
      return;
    }
    for (const entry of entries) {
      if (entry.name.startsWith(".") && !this.#names?.has(entry.name)) continue;
      const path = join(folder, entry.name);
      // A link is followed to a file, never to a folder, which could lead round in circles.
      if (entry.isDirectory()) {
        if (!this.#names) await this.#scanFolder(path, found, errors);
      } else if (this.#wanted(path)) {
        if (found.size < this.#maxFiles) found.add(path);
        else
          errors.set(
            this.#root,
            new XebecError(
              "resource_exhausted",
              `${this.#root} holds more than ${this.#maxFiles} files; the rest is not read`,
            ),
          );
      }
    }
  }

  #listen(folder: string): void {
    if (this.#folders.has(folder) || this.#stop.signal.aborted) return;
    try {
      const watcher = watch(folder, (_event, name) => this.#event(folder, name));
      watcher.on("error", (error) => {
        // The scan finds its changes, and listens again where that is possible.
        log.debug({ err: error, folder }, "a folder is not watched any more");
        watcher.close();
        this.#folders.delete(folder);
      });
      this.#folders.set(folder, watcher);
    } catch (error) {
      // The folder vanished, or the system allows no more watches: the scan finds its changes.
      log.debug({ err: error, folder }, "a folder cannot be watched");
    }
  }

  #event(folder: string, name: string | null): void {
    if (this.#stop.signal.aborted) return;
    if (name === null) {
      void this.#scan.request();
      return;
    }
    const path = join(folder, name);
    if (this.#wanted(path)) void this.#look(path);
    // The link behind which a mounted ConfigMap is exchanged.
    else if (name.startsWith("..")) void this.#scan.request();
    else if (!name.startsWith(".")) void this.#lookForFolder(path);
  }

  /** Of files that are not wanted, editors make many: only a folder that comes or goes is worth a scan. */
  async #lookForFolder(path: string): Promise<void> {
    const isFolder = await stat(path).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (isFolder || this.#folders.has(path)) void this.#scan.request();
  }

  #wanted(path: string): boolean {
    if (this.#names) return this.#names.has(basename(path));
    return this.#endings.has(extname(path).toLowerCase()) && !basename(path).startsWith(".");
  }

  /** Looks at one file; a call while one is under way makes it look again. */
  #look(path: string): Promise<void> {
    const running = this.#looking.get(path);
    if (running) {
      running.again = true;
      return running.done;
    }
    const look = { again: false, done: Promise.resolve() };
    this.#looking.set(path, look);
    look.done = (async () => {
      try {
        do {
          look.again = false;
          await this.#examine(path);
        } while (look.again && !this.#stop.signal.aborted);
      } catch (error) {
        log.error({ err: error, path }, "a file could not be examined");
      } finally {
        this.#looking.delete(path);
      }
    })();
    return look.done;
  }

  async #examine(path: string): Promise<void> {
    const deadline = performance.now() + RESTLESS_MS;
    let before = await stateOf(path);
    if (before !== undefined && this.#reported.get(path) === before.text) return;
    while (!this.#stop.signal.aborted && performance.now() < deadline) {
      // An editor may remove a file and put another one in its place: its absence must last, too.
      await sleep(this.#stillMs, this.#stop.signal);
      const now = await stateOf(path);
      if (now?.text === before?.text) {
        if (now === undefined) {
          await this.#gone(path);
          return;
        }
        if (await this.#read(path, now)) return;
      }
      before = await stateOf(path);
    }
  }

  async #gone(path: string): Promise<void> {
    if (!this.#reported.has(path)) return;
    // With the root everything vanishes at once: that is a loss, which the scan reports.
    if ((await stateOf(this.#root)) === undefined) {
      void this.#scan.request();
      return;
    }
    this.#reported.delete(path);
    this.#guard(() => this.#handlers.removed(path));
  }

  /** @returns false when the file changed while it was read */
  async #read(path: string, state: FileState): Promise<boolean> {
    if (!state.stats.isFile()) return true;
    if (state.stats.size > this.#maxBytes) {
      const limit = `${path} has ${state.stats.size} bytes, more than ${this.#maxBytes}; split it`;
      this.#reported.set(path, state.text);
      this.#guard(() => this.#handlers.failed(path, new XebecError("resource_exhausted", limit)));
      return true;
    }
    let content: Buffer;
    try {
      content = await readFile(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return false;
      this.#reported.set(path, state.text);
      this.#guard(() =>
        this.#handlers.failed(
          path,
          new XebecError("permission_denied", `${path} cannot be read (${code ?? "error"})`, { cause: error }),
        ),
      );
      return true;
    }
    const after = await stateOf(path);
    if (after?.text !== state.text || content.byteLength !== state.stats.size) return false;
    if (this.#stop.signal.aborted) return true;
    this.#reported.set(path, state.text);
    this.#guard(() => this.#handlers.file(path, content));
    return true;
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      log.error({ err: error, folder: this.#root }, "a handler of files failed");
    }
  }
}

interface FileState {
  readonly stats: Stats;
  /** Changes with every change of the file. */
  readonly text: string;
}

async function stateOf(path: string): Promise<FileState | undefined> {
  try {
    const stats = await stat(path);
    return { stats, text: `${stats.size} ${stats.mtimeMs} ${stats.ctimeMs} ${stats.ino}` };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

function markOf(path: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(path);
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}
