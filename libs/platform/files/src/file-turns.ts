import { logger } from "@xebec/core-log";

const log = logger("files");

/** Deals with what a watcher reports in its order when reading a file takes its time; of a file only the newest form is dealt with. */
export class FileTurns {
  #last: Promise<void> = Promise.resolve();
  readonly #latest = new Map<string, object>();
  #closed = false;

  /**
   * @param path of the file that the work is about; empty: of none
   * @param work gets a way to ask whether something newer came for the file; then its result is not wanted any more
   */
  take(path: string, work: (isLatest: () => boolean) => void | Promise<void>): void {
    const turn = {};
    this.#latest.set(path, turn);
    const isLatest = (): boolean => this.#latest.get(path) === turn && !this.#closed;
    this.#last = this.#last.then(async () => {
      if (!isLatest()) return;
      try {
        await work(isLatest);
      } catch (error) {
        log.error({ err: error, path }, "a file could not be dealt with");
      }
      if (isLatest()) this.#latest.delete(path);
    });
  }

  /** Nothing that waits is dealt with any more. @returns resolves when what was under way has ended */
  close(): Promise<void> {
    this.#closed = true;
    return this.#last;
  }
}
