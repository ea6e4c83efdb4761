import { Turns } from "@xebec/core-async";
import { escapeControls, logger, redactText } from "@xebec/core-log";
import {
  CONDITION_TYPES,
  type Condition,
  type ConditionController,
  type ConditionReason,
  type ConditionStatus,
  type ConfigPosition,
  decodeCondition,
  encodeCondition,
  encodeObserved,
  type HostAddress,
  observedKey,
  statusKey,
  statusOf,
} from "@xebec/model-resources";
import type { Bus } from "./bus.ts";
import type { KeyValue } from "./key-value.ts";

const BUCKET = "status";
const log = logger("status");

/** What a controller says of an object. The type, the status and the times follow from it. */
export interface ConditionUpdate {
  readonly object: string;
  readonly reason: ConditionReason;
  readonly message: string;
  readonly observedGeneration?: number | undefined;
  readonly source?: string;
  readonly line?: number;
  readonly contentHash?: string;
  readonly addresses?: readonly HostAddress[] | undefined;
}

/** One controller's conditions in the bucket `status`: only changes are written. */
export interface Conditions {
  /** Sets the condition of an object; the same as before is not written again. */
  set(update: ConditionUpdate): void;
  /** Deletes the condition of an object. */
  clear(object: string): void;
  /** Makes these all that there are: those of other objects are deleted, also those of an earlier run of the controller. */
  replace(updates: Iterable<ConditionUpdate>): void;
  /**
   * Says how far the controller has come. It is written after every condition that was set before, so that whoever reads it knows the
   * verdict as well.
   * @param error why nothing newer is applied, public text
   * @returns resolves when the bus holds it; it does not reject
   */
  observed(position: ConfigPosition, error?: string): Promise<void>;
}

/** What the bucket holds, or was asked to hold. */
interface Stored {
  /** What an earlier run has written, without its times; empty once this one has written. */
  readonly earlier: string;
  /** Undefined for a condition of another release that cannot be read. */
  readonly status: ConditionStatus | undefined;
  readonly lastTransitionTime: string;
}

/**
 * Writes the conditions of a controller. First it reads what an earlier run of it has written: a status that has not changed keeps its
 * transition time, and what is the same is not written again.
 */
export function createConditions(bus: Bus, controller: ConditionController): Conditions {
  return new ConditionStore(bus.bucket(BUCKET), controller);
}

class ConditionStore implements Conditions {
  readonly #bucket: KeyValue;
  readonly #controller: ConditionController;
  /** What was set last, by object, as text. */
  /** The updates that were set last, by object. */
  readonly #set = new Map<string, ConditionUpdate>();
  readonly #desired = new Map<string, string>();
  readonly #stored = new Map<string, Stored>();
  readonly #writing = new Set<Promise<boolean>>();
  /** Resolves when what an earlier run has written is known. Nothing is written before. */
  #earlier: Promise<void> | undefined;
  #position = "";
  #observing: Promise<void> = Promise.resolve();

  constructor(bucket: KeyValue, controller: ConditionController) {
    this.#bucket = bucket;
    this.#controller = controller;
  }

  set(update: ConditionUpdate): void {
    // Of thousands that are set with each change all but a few are the same objects as before.
    if (this.#set.get(update.object) === update) return;
    this.#set.set(update.object, update);
    const text = JSON.stringify(update);
    if (this.#desired.get(update.object) === text) return;
    this.#desired.set(update.object, text);
    const isNewest = (): boolean => this.#desired.get(update.object) === text;
    this.#write(
      update.object,
      async () => {
        if (isNewest()) await this.#put(update);
      },
      () => {
        // The next time that it is set it is tried again.
        if (isNewest()) {
          this.#desired.delete(update.object);
          this.#set.delete(update.object);
        }
        this.#stored.delete(update.object);
      },
    );
  }

  clear(object: string): void {
    this.#desired.delete(object);
    this.#set.delete(object);
    this.#write(object, () => this.#delete(object));
  }

  replace(updates: Iterable<ConditionUpdate>): void {
    const kept = new Set<string>();
    for (const update of updates) {
      kept.add(update.object);
      this.set(update);
    }
    for (const object of this.#desired.keys())
      if (!kept.has(object)) {
        this.#desired.delete(object);
        this.#set.delete(object);
      }
    // Until they are gone, what an earlier run said may be taken for what this one says. There may be thousands of them.
    this.#write("", async () => {
      const turns = new Turns();
      const deleting: Promise<void>[] = [];
      const failures: unknown[] = [];
      for (const object of [...this.#stored.keys()]) {
        deleting.push(this.#delete(object).catch((error: unknown) => void failures.push(error)));
        await turns.next();
      }
      await Promise.all(deleting);
      if (failures.length > 0) throw failures[0];
    });
  }

  observed(position: ConfigPosition, error?: string): Promise<void> {
    const text = JSON.stringify([position.revisions, position.incarnation, error]);
    if (text !== this.#position) {
      this.#position = text;
      this.#observing = this.#observe(text, position, error);
    }
    return this.#observing;
  }

  async #observe(text: string, position: ConfigPosition, error: string | undefined): Promise<void> {
    const before = await Promise.all(this.#writing);
    if (this.#position !== text) return this.#observing; // a newer one takes its place
    const { revisions, incarnation } = position;
    const controller = this.#controller;
    const value = { controller, revisions, incarnation, ...(error ? { error } : {}), time: new Date().toISOString() };
    try {
      // A verdict that could not be written cannot be claimed either.
      if (before.every(Boolean)) return await this.#bucket.put(observedKey(controller), encodeObserved(value));
    } catch (failure) {
      log.warn({ err: failure }, "how far the configuration was applied could not be written");
    }
    if (this.#position === text) this.#position = "";
  }

  #write(object: string, work: () => Promise<void>, failed: () => void = () => {}): void {
    this.#earlier ??= this.#readEarlier();
    const settled = this.#earlier.then(work).then(
      () => true,
      (error: unknown) => {
        log.warn({ err: error, object }, "a condition could not be written");
        failed();
        return false;
      },
    );
    this.#writing.add(settled);
    void settled.then(() => this.#writing.delete(settled));
  }

  async #put(update: ConditionUpdate): Promise<void> {
    const { object, reason } = update;
    const before = this.#stored.get(object);
    const now = new Date().toISOString();
    const status = statusOf(reason);
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : now;
    const condition: Condition = {
      ...{ object, controller: this.#controller, type: CONDITION_TYPES[this.#controller], status, reason },
      // Everybody who reads the status reads it; a text of the configuration may hold a password, that of a proxy anything.
      message: escapeControls(redactText(update.message)),
      ...(update.observedGeneration === undefined ? {} : { observedGeneration: update.observedGeneration }),
      ...{ lastTransitionTime, lastUpdateTime: now },
      ...(update.source === undefined ? {} : { source: update.source }),
      ...(update.line === undefined ? {} : { line: update.line }),
      ...(update.contentHash === undefined ? {} : { contentHash: update.contentHash }),
      ...(update.addresses?.length ? { addresses: update.addresses } : {}),
    };
    if (before?.earlier && before.earlier === contentOf(condition)) return;
    this.#stored.set(object, { earlier: "", status, lastTransitionTime });
    await this.#bucket.put(statusKey(condition), encodeCondition(condition));
  }

  async #delete(object: string): Promise<void> {
    if (this.#desired.has(object) || !this.#stored.delete(object)) return;
    await this.#bucket.delete(statusKey({ object, controller: this.#controller }));
  }

  #readEarlier(): Promise<void> {
    const prefix = statusKey({ object: "", controller: this.#controller });
    return new Promise((resolve) => {
      const watch = this.#bucket.watch({
        entry: (key, value) => {
          if (!key.startsWith(prefix)) return;
          const object = key.slice(prefix.length);
          if (!value) this.#stored.delete(object);
          else {
            this.#stored.set(object, storedOf(value));
            // It is ours again: the store may be lost before it is written anew.
            this.#bucket.keep(key, value);
          }
        },
        synced: () => {
          watch.close();
          resolve();
        },
      });
    });
  }
}

function storedOf(value: Uint8Array): Stored {
  try {
    const condition = decodeCondition(value);
    const { status, lastTransitionTime } = condition;
    return { earlier: contentOf(condition), status, lastTransitionTime };
  } catch {
    // Of another release: it is replaced, or deleted when there is nothing to say of the object.
    return { earlier: "", status: undefined, lastTransitionTime: "" };
  }
}

/** A condition without its times, the same for equal ones. */
function contentOf(condition: Condition): string {
  const { status, reason, message, observedGeneration, source, line, contentHash, addresses } = condition;
  return JSON.stringify([status, reason, message, observedGeneration, source, line, contentHash, addresses]);
}
