import { sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { type Condition, decodeCondition, isObservedKey, keyOf } from "@xebec/model-resources";
import type { Bus } from "@xebec/platform-bus";
import {
  fieldConflicts,
  isNotFound,
  type KubeClient,
  type KubeObject,
  type ResourceType,
  serverSideApply,
} from "@xebec/platform-kube";

const log = logger("status");
/** Who owns the fields of the status that are written. */
export const STATUS_MANAGER = "xebec-galley-status";
/** Writes of a second: a change that concerns all objects shall not make the API server busy. */
const PER_SECOND = 20;
/** After an error an object is tried again then, in milliseconds. */
const RETRY_MS = 5_000;
/** Conditions of one object come from several services: they are written together. In milliseconds. */
const SETTLE_MS = 200;
/** A message is cut off there; Kubernetes takes 32 KiB. */
const LONGEST_MESSAGE = 4_096;

/** The objects that an API server has, and the status of each. */
export class KnownObjects {
  /** By `keyOf`. */
  readonly #objects = new Map<
    string,
    { readonly type: ResourceType; readonly name: string; readonly namespace: string; readonly status: string }
  >();
  #listener: ((key: string) => void) | undefined;

  /** An object as it is read. */
  seen(type: ResourceType, object: KubeObject): void {
    const { name, namespace = "" } = object.metadata;
    const key = keyOf({ group: type.group, kind: type.kind, namespace, name });
    this.#objects.set(key, { type, name, namespace, status: textOf((object.status ?? {}) as Status) });
    this.#listener?.(key);
  }

  gone(type: ResourceType, key: string): void {
    const [name = "", namespace = ""] = key.split("/").reverse();
    this.#objects.delete(keyOf({ group: type.group, kind: type.kind, namespace, name }));
  }

  get(key: string) {
    return this.#objects.get(key);
  }

  onSeen(listener: ((key: string) => void) | undefined): void {
    this.#listener = listener;
  }
}

interface Status {
  readonly conditions?: readonly object[];
  readonly addresses?: readonly object[];
}

export interface ObjectStatusOptions {
  readonly client: KubeClient;
  readonly bus: Bus;
  readonly objects: KnownObjects;
  readonly perSecond?: number;
}

/**
 * Writes the conditions of the bucket `status` into the status of the objects in an API server, as Istio's status controller. One replica
 * does. What is there already is not written; what another manager owns is left to it, and said in the log.
 */
export function createObjectStatus(options: ObjectStatusOptions): Component {
  return new ObjectStatus(options);
}

class ObjectStatus implements Component {
  readonly name = "status of objects";
  readonly #options: ObjectStatusOptions;
  /** By the object's key, then by the condition's type. */
  readonly #conditions = new Map<string, Map<string, Condition>>();
  readonly #keyOfEntry = new Map<string, { readonly object: string; readonly type: string }>();
  /** Keys of objects whose status may be another one, with the time from which on they are looked at. */
  readonly #due = new Map<string, number>();
  /** What others own: the text that was not taken, by object. */
  readonly #refused = new Map<string, string>();
  readonly #stop = new AbortController();
  #watch: { close(): void } | undefined;
  #running: Promise<void> | undefined;

  constructor(options: ObjectStatusOptions) {
    this.#options = options;
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#watch = this.#options.bus.bucket("status").watch({
      entry: (key, bytes) => {
        if (!isObservedKey(key)) this.#entry(key, bytes);
      },
      synced: () => {},
    });
    this.#options.objects.onSeen((key) => this.#touch(key));
    this.#running = this.#run(AbortSignal.any([signal, this.#stop.signal]));
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#watch?.close();
    this.#options.objects.onSeen(undefined);
    await this.#running;
  }

  #entry(key: string, bytes: Uint8Array | undefined): void {
    const before = this.#keyOfEntry.get(key);
    let condition: Condition | undefined;
    try {
      condition = bytes && decodeCondition(bytes);
    } catch {
      return; // one of another release; its service says so
    }
    if (before) {
      const all = this.#conditions.get(before.object);
      all?.delete(before.type);
      if (all?.size === 0) this.#conditions.delete(before.object);
      this.#keyOfEntry.delete(key);
      this.#touch(before.object);
    }
    if (!condition) return;
    const { object, type } = condition;
    this.#keyOfEntry.set(key, { object, type });
    const all = this.#conditions.get(object) ?? new Map<string, Condition>();
    all.set(type, condition);
    this.#conditions.set(object, all);
    this.#touch(object);
  }

  #touch(key: string): void {
    if (!this.#due.has(key)) this.#due.set(key, performance.now() + SETTLE_MS);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const pause = 1_000 / (this.#options.perSecond ?? PER_SECOND);
    while (!signal.aborted) {
      let hasWritten = false;
      const now = performance.now();
      for (const [key, from] of this.#due) {
        if (from > now) continue;
        this.#due.delete(key);
        if (!(await this.#write(key, signal))) continue;
        hasWritten = true;
        break;
      }
      await sleep(hasWritten ? pause : SETTLE_MS / 2, signal);
    }
  }

  /** @returns true when the API server was asked */
  async #write(key: string, signal: AbortSignal): Promise<boolean> {
    const { client, objects } = this.#options;
    const object = objects.get(key);
    const conditions = this.#conditions.get(key);
    if (!object || !conditions) return false;
    const status = statusOf([...conditions.values()]);
    const text = textOf(status);
    if (object.status === text || this.#refused.get(key) === text) return false;
    const { type, name, namespace } = object;
    try {
      await serverSideApply(
        client,
        type,
        { metadata: { name, ...(namespace ? { namespace } : {}) }, status },
        { fieldManager: STATUS_MANAGER, subresource: "status", signal },
      );
      this.#refused.delete(key);
    } catch (error) {
      if (signal.aborted || isNotFound(error)) return true;
      const conflicts = fieldConflicts(error);
      if (conflicts.length > 0) {
        this.#refused.set(key, text);
        const managers = [...new Set(conflicts.map(({ manager }) => manager))];
        log.warn({ object: key, managers }, `the status of ${key} is ${managers.join(" and ")}'s, and is left to it`);
      } else {
        log.warn({ err: error, object: key }, `the status cannot be written: ${XebecError.from(error).message}`);
        this.#due.set(key, performance.now() + RETRY_MS);
      }
    }
    return true;
  }
}

/** The status of an object, as Istio has it (`IstioStatus`). */
function statusOf(conditions: readonly Condition[]): Status {
  const addresses = conditions.flatMap((each) => each.addresses ?? []);
  return {
    conditions: conditions
      .toSorted((a, b) => (a.type < b.type ? -1 : 1))
      .map(({ type, status, reason, message, lastTransitionTime, observedGeneration }) => ({
        ...{ type, status, reason, lastTransitionTime },
        message: message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE - 1)}…` : message,
        ...(observedGeneration === undefined ? {} : { observedGeneration }),
      })),
    ...(addresses.length > 0 ? { addresses: addresses.map(({ value, host }) => ({ value, host })) } : {}),
  };
}

/** What of a status is compared: a server gives fields back in an order of its own. */
function textOf({ conditions = [], addresses = [] }: Status): string {
  const sorted = (each: object): unknown =>
    Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)));
  return JSON.stringify([conditions.map(sorted), addresses.map(sorted)]);
}
