import { stat } from "node:fs/promises";
import { relative } from "node:path";
import type { Component } from "@xebec/core-lifecycle";
import { createDirectoryWatcher, FileTurns } from "@xebec/platform-files";
import type { ConfigSource, PlaceContent, SourceHost } from "../config-source.ts";
import { mayHoldRules } from "../current-mixer.ts";
import { DirectoryFiles } from "./directory-files.ts";
import { type FileContent, readFileContent, unreadableFile } from "./file-content.ts";

/** The YAML and JSON files of a directory and of the folders below it. Each file is a place, and is read whole. */
export function createDirectorySource(dir: string): ConfigSource {
  return new DirectorySource(dir);
}

class DirectorySource implements ConfigSource {
  readonly name: string;
  readonly #dir: string;
  readonly #watcher: Component;
  /** Files are read one after the other, in the order in which they changed. */
  readonly #turns = new FileTurns();
  readonly #stop = new AbortController();
  readonly #files: DirectoryFiles;
  /** The bytes of files that may hold rules, by path: they are validated again when the rules of validation change. */
  readonly #ruleFiles = new Map<string, Uint8Array>();
  #host: SourceHost | undefined;
  #created = new Date(0);
  #isSynced = false;

  constructor(dir: string) {
    this.name = `directory ${dir}`;
    this.#dir = dir;
    this.#files = new DirectoryFiles(() => this.#host?.changed(), this.#stop.signal);
    this.#watcher = createDirectoryWatcher({
      root: dir,
      name: this.name,
      endings: [".yaml", ".yml", ".json"],
      handlers: {
        file: (path, bytes) => this.#inTurn(path, (shown, isLatest) => this.#read(shown, bytes, isLatest)),
        removed: (path) => this.#inTurn(path, (shown) => this.#removed(shown)),
        recovered: (path) => this.#inTurn(path, (shown) => this.#files.delete(shown)),
        failed: (path, error) => this.#inTurn(path, (shown) => this.#failed(shown, error.message)),
        synced: () => this.#inTurn("", () => this.#synced()),
      },
    });
  }

  async start(host: SourceHost, signal: AbortSignal): Promise<void> {
    this.#host = host;
    // A directory that is not there yet is waited for; the watcher says so.
    const found = await stat(this.#dir).catch(() => undefined);
    this.#created = found?.birthtime ?? new Date();
    await this.#watcher.start(signal);
  }

  places(): ReadonlyMap<string, PlaceContent> | undefined {
    return this.#isSynced ? this.#files.places() : undefined;
  }

  async revalidate(): Promise<void> {
    for (const [path, bytes] of this.#ruleFiles) {
      const content = await this.#contentOf(path, bytes);
      // A newer form may have come meanwhile.
      if (this.#ruleFiles.get(path) === bytes) this.#files.set(path, content);
    }
  }

  missing(): readonly string[] {
    if (this.#isSynced) return [];
    return [`the files of ${this.#dir} are not read yet`, ...(this.#watcher.missing?.() ?? [])];
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#watcher.close?.();
    await this.#turns.close();
    this.#host = undefined;
  }

  #inTurn(path: string, work: (shown: string, isLatest: () => boolean) => void | Promise<void>): void {
    this.#turns.take(path, async (isLatest) => {
      await work(relative(this.#dir, path) || path, isLatest);
      this.#host?.changed();
    });
  }

  async #read(path: string, bytes: Uint8Array, isLatest: () => boolean): Promise<void> {
    const content = await this.#contentOf(path, bytes);
    // What came meanwhile is read next.
    if (!isLatest()) return;
    if (mayHoldRules(bytes)) this.#ruleFiles.set(path, bytes);
    else this.#ruleFiles.delete(path);
    this.#files.set(path, content);
  }

  #removed(path: string): void {
    this.#host?.earlier.forget(path);
    this.#ruleFiles.delete(path);
    this.#files.delete(path);
  }

  #failed(path: string, message: string): void {
    this.#ruleFiles.delete(path);
    this.#files.set(path, unreadableFile(this.#before(path), path, message));
  }

  #synced(): void {
    this.#isSynced = true;
    // What was deleted while nobody looked does not come back either, except behind a folder that cannot be read now.
    const known = this.#files.paths();
    this.#host?.earlier.settle((path) => known.some((each) => path === each || path.startsWith(`${each}/`)));
  }

  #contentOf(path: string, bytes: Uint8Array): Promise<FileContent> {
    const host = this.#host as SourceHost;
    return readFileContent(path, bytes, this.#before(path), host.rules(), (key) =>
      host.createdAt(key, this.#isSynced ? undefined : this.#created),
    );
  }

  #before(path: string): PlaceContent {
    return this.#files.get(path) ?? (this.#host as SourceHost).earlier.of(path);
  }
}
