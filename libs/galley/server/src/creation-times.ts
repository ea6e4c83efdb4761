import type { Resource } from "@xebec/model-resources";

/**
 * When objects that do not say so were created: the time of their first sight, over edits and restarts. One that was deleted and comes
 * back is new.
 */
export class CreationTimes {
  readonly #earlier: (key: string) => Resource | undefined;
  readonly #times = new Map<string, string>();

  /** @param earlier gives an object as an earlier run published it */
  constructor(earlier: (key: string) => Resource | undefined) {
    this.#earlier = earlier;
  }

  /**
   * @param sourceCreated while a source is read for the first time: when it was made. Objects that are there at the start are as old
   *   as their source: among them names decide the order
   * @returns RFC 3339
   */
  of(key: string, sourceCreated: Date | undefined): string {
    let time = this.#times.get(key);
    if (time === undefined) {
      const earlier = sourceCreated && this.#earlier(key)?.creationTimestamp;
      time = earlier ?? (sourceCreated ?? new Date()).toISOString();
      this.#times.set(key, time);
    }
    return time;
  }

  delete(key: string): void {
    this.#times.delete(key);
  }
}
