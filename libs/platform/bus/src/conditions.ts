import { logger } from "@xebec/core-log";
import { type Condition, encodeCondition, statusKey } from "@xebec/model-resources";
import type { Bus, StateSubscription } from "./bus.ts";

const BUCKET = "status";
const log = logger("status");

/** What a consumer says of an object, without the parts that are the same for all it says. */
export type ConditionUpdate = Omit<Condition, "consumer" | "time">;

/** One consumer's conditions in the bus state `status`: only changes are written. */
export interface Conditions {
  /** Says something of an object; the same as before is not written again. */
  set(update: ConditionUpdate): void;
  /** Says nothing of the object any more. */
  clear(object: string): void;
  /** Makes these all that is said: objects that are not among them are cleared, also those of an earlier run of the consumer. */
  replace(updates: Iterable<ConditionUpdate>): void;
}

/** @param consumer the service that speaks: `pilot`, `mixer-policy` */
export function createConditions(bus: Bus, consumer: string): Conditions {
  const state = bus.state(BUCKET);
  const said = new Map<string, string>();
  const write = (object: string, done: Promise<void>): void => {
    done.catch((error: unknown) => log.warn({ err: error, object }, "a condition could not be written"));
  };
  const set = (update: ConditionUpdate): void => {
    const mark = JSON.stringify(update);
    if (said.get(update.object) === mark) return;
    said.set(update.object, mark);
    const condition: Condition = { ...update, consumer, time: new Date().toISOString() };
    write(update.object, state.put(statusKey(condition), encodeCondition(condition)));
  };
  const clear = (object: string): void => {
    if (said.delete(object)) write(object, state.delete(statusKey({ object, consumer })));
  };
  let earlier: StateSubscription | undefined;
  /** What an earlier run said and this one does not say any more. */
  const clearEarlier = (): void => {
    const found = new Set<string>();
    const prefix = statusKey({ object: "", consumer });
    earlier = state.watch({
      entry(key, value) {
        if (!key.startsWith(prefix)) return;
        const object = key.slice(prefix.length);
        if (value) found.add(object);
        else found.delete(object);
      },
      synced() {
        earlier?.close();
        for (const object of found) if (!said.has(object)) write(object, state.delete(statusKey({ object, consumer })));
      },
    });
  };
  return {
    set,
    clear,
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
