import { createHash } from "node:crypto";
import { WORK_QUEUE } from "@xebec/model-bus";
import type { Subscription } from "./subscription.ts";

/** What may wait in the work queue. The server refuses what is more, and discards what nobody has taken for so long. */
export const MAX_WAITING = { itemsOfKey: 256, bytes: 256 << 20, hours: 24 } as const;
/** Largest item in bytes; a message of the bus has at most 1 MiB. */
export const MAX_ITEM_BYTES = 1_000_000;
/** An item that was taken and of which nothing is heard for so long is given to somebody else. */
export const ACK_WAIT_MS = 10_000;

/** One piece of work. */
export interface WorkItem {
  readonly data: Uint8Array;
  /** When it was added, in milliseconds since 1970 UTC. */
  readonly addedAt: number;
  /** How often it was taken before. */
  readonly retries: number;
}

/** What became of an item: it is done and goes, or somebody may take it again after so many milliseconds. */
export type WorkOutcome = "done" | { readonly retryMs: number };

/** What waits under a key, items that are being worked on included. */
export interface WorkQueueWaiting {
  readonly items: number;
}

/**
 * Work that replicas share. An item is kept by the bus until somebody says that it is done: at least once, in no order. Who dies with
 * an item loses it to another one after 10 s.
 */
export interface WorkQueue {
  /** Whether the server can be reached. */
  readonly connected: boolean;
  /**
   * Stores an item.
   * @param key whose work it is
   * @throws XebecError resource_exhausted when too much waits under the key, unavailable when the server does not acknowledge it,
   * permission_denied
   */
  add(key: string, data: Uint8Array): Promise<void>;
  /**
   * Takes items of a key, some at a time, as long as the subscription is open. An error of `work` counts as a retry.
   */
  consume(key: string, work: (item: WorkItem) => Promise<WorkOutcome>): Subscription;
  /** Called with items whose key nobody here consumes, once they are old; it says whether they may go. */
  onOrphan(orphan: (key: string, item: WorkItem) => WorkOutcome): void;
  /** @throws XebecError unavailable */
  waiting(key: string): Promise<WorkQueueWaiting>;
}

/** The partition of a key: all replicas compute the same. */
export function partitionOf(key: string): number {
  return createHash("sha1").update(key).digest().readUInt32BE() % WORK_QUEUE.partitions;
}

/** The name of a partition's consumer on the server. */
export function consumerOf(partition: number): string {
  return `p${partition}`;
}

/** @param rest a key's word, or `>` for all of the partition */
export function partitionSubject(partition: number, rest: string): string {
  return `${WORK_QUEUE.prefix}.${partition}.${rest}`;
}
