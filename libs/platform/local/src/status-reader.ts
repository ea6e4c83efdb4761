import { isXebecError } from "@xebec/core-errors";
import { deletionCollector } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import {
  type Condition,
  type ConfigPosition,
  decodeCondition,
  decodeObserved,
  isObservedKey,
  type Observed,
} from "@xebec/model-resources";
import type { Bus, KeyValueWatch } from "@xebec/platform-bus";

const log = logger("local");
/** How long the first reader waits for the bus, in milliseconds. */
const FIRST_MS = 2_000;
const GALLEY = "galley";

/** What is published and who has applied it, for somebody who has just changed a file and waits for it. */
export interface PublishedConfig {
  /** False when it is unknown: the bus is down, or galley has not published anything yet. */
  readonly known: boolean;
  /** How far galley has come; absent before its first publication. */
  readonly position?: ConfigPosition;
  /** `contentHash` of each published object, by `keyOf`. */
  readonly hashes: Readonly<Record<string, string>>;
  /** How far each controller has come, by its name. Their conditions are known by then. */
  readonly observed: Readonly<Record<string, Observed>>;
  /** What the local platform has read, by `KIND/NAMESPACE/NAME` (`localHashes`). */
  readonly read: Readonly<Record<string, string>>;
}

/** Follows the bucket `status` from the first time on that somebody asks. */
export class StatusReader {
  readonly #conditions = new Map<string, Condition>();
  readonly #observed = new Map<string, Observed>();
  /** Conditions that were taken back since the last one that came. */
  #gone = 0;
  #watch: KeyValueWatch | undefined;
  #isSynced = false;
  #first: Promise<void> | undefined;

  /** Everything that services say of objects. @param bus undefined while it is not there yet: then nobody says anything */
  async conditions(bus: Bus | undefined): Promise<readonly Condition[]> {
    if (!bus) return [];
    await this.#start(bus);
    return [...this.#conditions.values()];
  }

  /** What is published, and who has applied it. */
  async published(bus: Bus | undefined): Promise<Omit<PublishedConfig, "read">> {
    if (bus) await this.#start(bus);
    const position = this.#observed.get(GALLEY);
    const hashes: Record<string, string> = {};
    for (const { controller, object, contentHash } of this.#conditions.values())
      if (controller === GALLEY && contentHash !== undefined) hashes[object] = contentHash;
    return {
      known: this.#isSynced && bus?.connected === true && position !== undefined,
      ...(position ? { position } : {}),
      hashes,
      observed: Object.fromEntries(this.#observed),
    };
  }

  close(): void {
    this.#watch?.close();
  }

  #start(bus: Bus): Promise<void> {
    this.#first ??= new Promise((resolve) => {
      const timer = setTimeout(resolve, FIRST_MS);
      timer.unref();
      this.#watch = bus.bucket("status").watch({
        entry: (key, bytes) => this.#entry(key, bytes),
        synced: () => {
          this.#isSynced = true;
          clearTimeout(timer);
          resolve();
        },
        // What the services said they write again; what they took back meanwhile nobody would take back here.
        lost: () => {
          this.#conditions.clear();
          this.#observed.clear();
        },
      });
    });
    return this.#first;
  }

  #entry(key: string, bytes: Uint8Array | undefined): void {
    const isObserved = isObservedKey(key);
    try {
      if (isObserved && bytes) {
        const observed = decodeObserved(bytes);
        this.#observed.set(observed.controller, observed);
      } else if (bytes) {
        this.#conditions.set(key, decodeCondition(bytes));
        this.#gone = 0;
      } else if (this.#conditions.delete(key)) deletionCollector.deleted(++this.#gone, this.#conditions.size);
    } catch (error) {
      if (!isXebecError(error)) throw error;
      log.warn({ err: error, entry: key }, "a value of the bucket `status` cannot be read; it is left out");
    }
  }
}
