import { escapeControls, logger, redactText } from "@xebec/core-log";
import {
  type Condition,
  type ConfigPosition,
  encodeCondition,
  encodeObserved,
  observedKey,
  statusKey,
} from "@xebec/model-resources";
import type { Bus } from "./bus.ts";
import type { KeyValueWatch } from "./key-value.ts";

const BUCKET = "status";
const log = logger("status");

/** What a consumer says of an object, without the parts that are the same for all it says. */
export type ConditionUpdate = Omit<Condition, "consumer" | "time">;

/** One consumer's conditions in the bucket `status`: only changes are written. */
export interface Conditions {
  /** Says something of an object; the same as before is not written again. */
  set(update: ConditionUpdate): void;
  /** Says nothing of the object any more. */
  clear(object: string): void;
  /** Makes these all that is said: objects that are not among them are cleared, also those of an earlier run of the consumer. */
  replace(updates: Iterable<ConditionUpdate>): void;
  /**
   * Says how far the consumer has come. It is written after every condition that was said before, so that whoever reads it knows the
   * verdict as well.
   * @param fault why nothing newer is applied, public text
   * @returns resolves when the bus holds it; it does not reject
   */
  observed(position: ConfigPosition, fault?: string): Promise<void>;
}

/** @param consumer the service that speaks: `pilot`, `mixer-policy` */
export function createConditions(bus: Bus, consumer: string): Conditions {
  const bucket = bus.bucket(BUCKET);
  const said = new Map<string, string>();
  const writing = new Set<Promise<boolean>>();
  const write = (object: string, done: Promise<void>): Promise<boolean> => {
    const settled = done.then(
      () => true,
      (error: unknown) => {
        log.warn({ err: error, object }, "a condition could not be written");
        return false;
      },
    );
    writing.add(settled);
    void settled.then(() => writing.delete(settled));
    return settled;
  };
  let told = "";
  let telling: Promise<void> = Promise.resolve();
  const writeObserved = async (mark: string, position: ConfigPosition, fault: string | undefined): Promise<void> => {
    const before = await Promise.all(writing);
    if (told !== mark) return telling; // a newer one takes its place
    const { revisions, incarnation } = position;
    const value = { consumer, revisions, incarnation, ...(fault ? { fault } : {}), time: new Date().toISOString() };
    try {
      // A verdict that could not be written cannot be claimed either.
      if (before.every(Boolean)) return await bucket.put(observedKey(consumer), encodeObserved(value));
    } catch (error) {
      log.warn({ err: error }, "how far the configuration was applied could not be written");
    }
    if (told === mark) told = "";
  };
  const set = (given: ConditionUpdate): void => {
    const mark = JSON.stringify(given);
    if (said.get(given.object) === mark) return;
    said.set(given.object, mark);
    // Everybody who reads the status reads it; a text of the configuration may hold a password, that of a proxy anything.
    const update = { ...given, message: escapeControls(redactText(given.message)) };
    const condition: Condition = { ...update, consumer, time: new Date().toISOString() };
    void write(update.object, bucket.put(statusKey(condition), encodeCondition(condition)));
  };
  const clear = (object: string): void => {
    if (said.delete(object)) void write(object, bucket.delete(statusKey({ object, consumer })));
  };
  let earlier: KeyValueWatch | undefined;
  /** What an earlier run said and this one does not say any more. */
  const clearEarlier = (): void => {
    const found = new Set<string>();
    // Until then what an earlier run said may be taken for what this one says.
    let known = (_isCleared: boolean): void => {};
    const cleared = new Promise<boolean>((resolve) => {
      known = resolve;
    });
    writing.add(cleared);
    const prefix = statusKey({ object: "", consumer });
    earlier = bucket.watch({
      entry(key, value) {
        if (!key.startsWith(prefix)) return;
        const object = key.slice(prefix.length);
        if (value) found.add(object);
        else found.delete(object);
      },
      synced() {
        earlier?.close();
        const deletions = [...found]
          .filter((object) => !said.has(object))
          .map((object) => write(object, bucket.delete(statusKey({ object, consumer }))));
        void Promise.all(deletions).then((all) => {
          known(all.every(Boolean));
          writing.delete(cleared);
        });
      },
    });
  };
  return {
    set,
    clear,
    observed(position, fault) {
      const mark = JSON.stringify([position.revisions, position.incarnation, fault]);
      if (mark !== told) {
        told = mark;
        telling = writeObserved(mark, position, fault);
      }
      return telling;
    },
    replace(updates) {
      if (!earlier) clearEarlier();
      const kept = new Set<string>();
      for (const update of updates) {
        kept.add(update.object);
        set(update);
      }
      for (const object of [...said.keys()]) if (!kept.has(object)) clear(object);
    },
  };
}
