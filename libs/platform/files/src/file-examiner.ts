import { readFile } from "node:fs/promises";
import { sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { type FileState, stateOf } from "./file-state.ts";

const log = logger("files");
/** How long a file may go on changing before it is looked at again with the next scan, in milliseconds. */
const RESTLESS_MS = 5_000;

export interface ExaminerOptions {
  readonly stillMs: number;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** Whether the root is gone: with it all files vanish at once, which is not reported as their removal. */
  isRootGone(): Promise<boolean>;
  file(path: string, content: Buffer): void;
  removed(path: string): void;
  failed(path: string, error: XebecError): void;
}

/** Reads files once they are still, and reports what differs from what it has reported. */
export class FileExaminer {
  readonly #options: ExaminerOptions;
  /** The form in which each file was reported: its size, times and inode; also of one that cannot be read in this form. */
  readonly #reported = new Map<string, string>();
  readonly #running = new Map<string, { again: boolean; done: Promise<void> }>();

  constructor(options: ExaminerOptions) {
    this.#options = options;
  }

  /** The paths of the files that were reported and not removed. */
  get paths(): Iterable<string> {
    return this.#reported.keys();
  }

  /** Resolves when nothing is being examined any more. */
  async idle(): Promise<void> {
    await Promise.all([...this.#running.values()].map((each) => each.done));
  }

  /** Examines one file; a call while one is under way examines it again. */
  examine(path: string): Promise<void> {
    const running = this.#running.get(path);
    if (running) {
      running.again = true;
      return running.done;
    }
    const run = { again: false, done: Promise.resolve() };
    this.#running.set(path, run);
    run.done = (async () => {
      try {
        do {
          run.again = false;
          await this.#untilStill(path);
        } while (run.again && !this.#options.signal.aborted);
      } catch (error) {
        log.error({ err: error, path }, "a file could not be examined");
      } finally {
        this.#running.delete(path);
      }
    })();
    return run.done;
  }

  async #untilStill(path: string): Promise<void> {
    const { signal, stillMs } = this.#options;
    const deadline = performance.now() + RESTLESS_MS;
    let before = await stateOf(path);
    if (before !== undefined && this.#reported.get(path) === before.text) return;
    while (!signal.aborted && performance.now() < deadline) {
      // An editor may remove a file and put another one in its place: its absence must last, too.
      await sleep(stillMs, signal);
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
    if (!this.#reported.has(path) || (await this.#options.isRootGone())) return;
    this.#reported.delete(path);
    this.#options.removed(path);
  }

  /** @returns false when the file changed while it was read */
  async #read(path: string, state: FileState): Promise<boolean> {
    const { maxBytes, signal, file, failed } = this.#options;
    if (!state.stats.isFile()) return true;
    if (state.stats.size > maxBytes) {
      const limit = `${path} has ${state.stats.size} bytes, more than ${maxBytes}; split it`;
      this.#reported.set(path, state.text);
      failed(path, new XebecError("resource_exhausted", limit));
      return true;
    }
    let content: Buffer;
    try {
      content = await readFile(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return false;
      this.#reported.set(path, state.text);
      const text = `${path} cannot be read (${code ?? "error"})`;
      failed(path, new XebecError("permission_denied", text, { cause: error }));
      return true;
    }
    const after = await stateOf(path);
    if (after?.text !== state.text || content.byteLength !== state.stats.size) return false;
    if (signal.aborted) return true;
    this.#reported.set(path, state.text);
    file(path, content);
    return true;
  }
}
