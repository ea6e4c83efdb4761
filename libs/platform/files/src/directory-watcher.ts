import { readdir, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { Coalescer } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { FileExaminer } from "./file-examiner.ts";
import { stampOf, stateOf } from "./file-state.ts";
import { FolderListeners } from "./folder-listeners.ts";

/** So many folders and files can be looked at without waiting: it takes less than a millisecond. */
const GLANCE_FILES = 64;
/** So many of many known files are looked at with each scan: a change whose event was lost is found after some of them. */
const SCANNED_FILES = 256;

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
  readonly #maxFiles: number;
  readonly #rescanMs: number;
  readonly #files: FileExaminer;
  readonly #listeners = new FolderListeners((folder, name) => this.#event(folder, name));
  /** The errors of folders that were reported, until they recover. */
  readonly #errors = new Map<string, XebecError>();
  readonly #scan = new Coalescer(() => this.#scanAll());
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #synced = false;
  /** What the last glance saw. */
  #glanced = "";
  /** Every known file is looked at by the next scan: events were lost, or a link leads to other files. */
  #isWholeDue = true;
  /** Where the next scan goes on among many known files. */
  #next = 0;

  constructor(options: DirectoryWatcherOptions) {
    this.#root = options.root;
    this.name = options.name ?? `folder ${options.root}`;
    this.#handlers = options.handlers;
    this.#endings = new Set(options.endings ?? [".yaml", ".yml"]);
    this.#names = options.names && new Set(options.names);
    this.#maxFiles = options.maxFiles ?? 20_000;
    this.#rescanMs = options.rescanMs ?? 2_000;
    const { handlers, stillMs = 5, maxBytes = 10 << 20 } = options;
    this.#files = new FileExaminer({
      ...{ stillMs, maxBytes, signal: this.#stop.signal },
      isRootGone: () => this.#isRootGone(),
      file: (path, content) => this.#guard(() => handlers.file(path, content)),
      removed: (path) => this.#guard(() => handlers.removed(path)),
      failed: (path, error) => this.#guard(() => handlers.failed(path, error)),
    });
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
    this.#listeners.close();
    await this.#files.idle();
  }

  /**
   * A glance at the folders and files that are known, as long as they are few: a whole scan takes ten times as long. Whatever comes or
   * goes changes its folder.
   */
  #looksUnchanged(): boolean {
    const paths = [...this.#listeners.folders, ...this.#files.paths];
    const few = this.#synced && this.#errors.size === 0 && paths.length <= GLANCE_FILES;
    const seen = few ? paths.map((path) => `${path}:${stampOf(path)}`).join() : "";
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
      this.#listeners.close();
      this.#isWholeDue = true;
      const what = `the folder ${this.#root} cannot be read; create it or choose another one`;
      const reported = error instanceof XebecError ? error : new XebecError("not_found", what, { cause: error });
      this.#reportErrors(new Map([[this.#root, reported]]));
      return;
    }
    this.#reportErrors(errors);
    const known = new Set(this.#files.paths);
    const gone = [...known].filter((path) => !found.has(path));
    const due = this.#isWholeDue ? [...found] : this.#dueOf([...found], known);
    this.#isWholeDue = false;
    await Promise.all([...due, ...gone].map((path) => this.#files.examine(path)));
    if (this.#synced || this.#stop.signal.aborted) return;
    this.#synced = true;
    this.#guard(() => this.#handlers.synced());
  }

  /** New files, and a part of the known ones, all of which have their turn. */
  #dueOf(found: readonly string[], known: ReadonlySet<string>): readonly string[] {
    if (found.length <= SCANNED_FILES) return found;
    const begin = this.#next % found.length;
    this.#next = begin + SCANNED_FILES;
    return found.filter((path, i) => !known.has(path) || (i >= begin && i < begin + SCANNED_FILES));
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
    this.#listeners.listen(folder);
    let entries: { name: string; isDirectory(): boolean; isSymbolicLink(): boolean }[];
    try {
      entries = await readdir(folder, { withFileTypes: true });
    } catch (error) {
      if (folder === this.#root) throw error;
      this.#listeners.forget(folder);
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "ENOTDIR") return;
      errors.set(folder, new XebecError("permission_denied", `the folder ${folder} cannot be read`, { cause: error }));
      for (const path of this.#files.paths) if (path.startsWith(`${folder}/`)) found.add(path);
      return;
    }
    for (const entry of entries) {
      if (entry.name.startsWith(".") && !this.#names?.has(entry.name)) continue;
      const path = join(folder, entry.name);
      // A link is followed to a file, never to a folder, which could lead round in circles.
      if (entry.isDirectory()) {
        if (!this.#names) await this.#scanFolder(path, found, errors);
      } else if (this.#isRead(path)) {
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

  #event(folder: string, name: string | null): void {
    if (this.#stop.signal.aborted) return;
    if (name === null) {
      this.#isWholeDue = true;
      void this.#scan.request();
      return;
    }
    const path = join(folder, name);
    if (this.#isRead(path)) void this.#files.examine(path);
    // The link behind which a mounted ConfigMap is exchanged.
    else if (name.startsWith("..")) {
      this.#isWholeDue = true;
      void this.#scan.request();
    } else if (!name.startsWith(".")) void this.#lookForFolder(path);
  }

  /** Editors make many files that are not read: only a folder that comes or goes is worth a scan. */
  async #lookForFolder(path: string): Promise<void> {
    const isFolder = await stat(path).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (isFolder || this.#listeners.has(path)) void this.#scan.request();
  }

  #isRead(path: string): boolean {
    if (this.#names) return this.#names.has(basename(path));
    return this.#endings.has(extname(path).toLowerCase()) && !basename(path).startsWith(".");
  }

  /** With the root everything vanishes at once: that is a loss, which the scan reports. */
  async #isRootGone(): Promise<boolean> {
    const isGone = (await stateOf(this.#root)) === undefined;
    if (isGone) void this.#scan.request();
    return isGone;
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      log.error({ err: error, folder: this.#root }, "a handler of files failed");
    }
  }
}
