import { sleep } from "@xebec/core-async";
import type { PlaceContent } from "../config-source.ts";
import { type FileContent, NO_FILE } from "./file-content.ts";

/** Objects that vanish with a file that was emptied or cut off are withdrawn only after this quiet time. */
const WITHDRAW_AFTER_MS = 250;

/** What the files of a directory hold, by their path as it is shown to users. */
export class DirectoryFiles {
  readonly #contents = new Map<string, FileContent>();
  /** False since a file has come. */
  #isSorted = true;
  readonly #changed: () => void;
  readonly #signal: AbortSignal;

  /** @param changed called when objects were withdrawn later */
  constructor(changed: () => void, signal: AbortSignal) {
    this.#changed = changed;
    this.#signal = signal;
  }

  get(path: string): FileContent | undefined {
    return this.#contents.get(path);
  }

  has(path: string): boolean {
    return this.#contents.has(path);
  }

  paths(): readonly string[] {
    return [...this.#contents.keys()];
  }

  /** All of them; of files that define one object the first by its path counts. It is put in order when a file has come. */
  places(): ReadonlyMap<string, PlaceContent> {
    if (!this.#isSorted) {
      const sorted = [...this.#contents].sort(([a], [b]) => (a < b ? -1 : 1));
      this.#contents.clear();
      for (const [path, content] of sorted) this.#contents.set(path, content);
      this.#isSorted = true;
    }
    return this.#contents;
  }

  /** A file holds this now. What is missing in one that may be saved half-way goes only when the file stays like that. */
  set(path: string, content: FileContent): void {
    if (!this.#contents.has(path)) this.#isSorted = false;
    const before = this.#contents.get(path) ?? NO_FILE;
    const vanished = [...before.resources.keys()].some((key) => !content.resources.has(key));
    if (!content.unreadable || !vanished) {
      this.#contents.set(path, content);
      return;
    }
    const waiting: FileContent = { ...content, resources: new Map([...before.resources, ...content.resources]) };
    this.#contents.set(path, waiting);
    void sleep(WITHDRAW_AFTER_MS, this.#signal).then(() => {
      if (this.#signal.aborted || this.#contents.get(path) !== waiting) return;
      this.#contents.set(path, content);
      this.#changed();
    });
  }

  delete(path: string): void {
    this.#contents.delete(path);
  }
}
