import { type FSWatcher, watch } from "node:fs";
import { logger } from "@xebec/core-log";

const log = logger("files");

/** The folders whose events are listened to. An event may be lost, so a scan has to find the changes, too. */
export class FolderListeners {
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #changed: (folder: string, name: string | null) => void;

  /** @param changed called with the entry of a folder that has changed; null when the system does not name it */
  constructor(changed: (folder: string, name: string | null) => void) {
    this.#changed = changed;
  }

  get folders(): Iterable<string> {
    return this.#watchers.keys();
  }

  has(folder: string): boolean {
    return this.#watchers.has(folder);
  }

  listen(folder: string): void {
    if (this.#watchers.has(folder)) return;
    try {
      const watcher = watch(folder, (_event, name) => this.#changed(folder, name));
      watcher.on("error", (error) => {
        // The scan finds its changes, and listens again where that is possible.
        log.debug({ err: error, folder }, "a folder is not watched any more");
        this.forget(folder);
      });
      this.#watchers.set(folder, watcher);
    } catch (error) {
      // The folder vanished, or the system allows no more watches: the scan finds its changes.
      log.debug({ err: error, folder }, "a folder cannot be watched");
    }
  }

  forget(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }

  close(): void {
    for (const each of this.#watchers.values()) each.close();
    this.#watchers.clear();
  }
}
