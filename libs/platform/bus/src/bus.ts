import type { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";

/** Something that goes on until it is closed. */
export interface Subscription {
  close(): void;
}

export interface KeyValueWatcher {
  /** A key has this value now; undefined: it was deleted. Calls are coalesced per key. */
  entry(key: string, value: Uint8Array | undefined): void;
  /** Called once, when everything that the bucket held at the start of the watch was reported. A bucket that does not exist yet
   * is not synced. @param incarnation names the store: another one has another name */
  synced(incarnation: string): void;
  /** The server lost the bucket: what comes next fills a new one. Nothing is reported as deleted for that reason. */
  lost?(incarnation: string): void;
  /** What the server stores for this key was made by no writer of the bucket; readers ignore it. */
  forged?(key: string): void;
  /** The bus confirmed that nothing was missed up to now; some seconds apart. */
  confirmed?(): void;
}

export interface KeyValueWatch extends Subscription {
  /** Reads everything once more, for a watcher that has found its copy to be wrong. */
  refresh(): void;
}

/** Keyed values that can be watched. Keys are any text of 1 to 500 bytes; values may be larger than a message. */
export interface KeyValue {
  /** Resolves when the bus holds the value; until then it is retried. A later put of the same key replaces an earlier one.
   * @throws XebecError permission_denied */
  put(key: string, value: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
  /** @returns undefined when the key has no value @throws XebecError unavailable when the bus is down */
  get(key: string): Promise<Uint8Array | undefined>;
  watch(watcher: KeyValueWatcher): KeyValueWatch;
  /** Takes over the care for a value that the bus already holds: it is written again when the server loses its store. */
  keep(key: string, value: Uint8Array): void;
}

export interface WorkQueue {
  /** Resolves when the bus holds the item. @throws XebecError resource_exhausted when the queue is full, unavailable */
  add(data: Uint8Array): Promise<void>;
  /** Takes items; one that fails is tried again, five times at most. @param options.concurrency items at a time (1) */
  work(handler: (data: Uint8Array) => Promise<void>, options?: { readonly concurrency?: number }): Subscription;
}

/**
 * The bus: buckets, messages, requests and work queues. It starts without its server and goes on without it: readers keep
 * what they know, writers retry.
 */
export interface Bus extends Component {
  /** True while the server can be reached. */
  readonly connected: boolean;
  /** @param name of the bucket, for example `config` */
  bucket(name: string): KeyValue;
  /** Sends to everyone who listens now. Lost when the bus is down. */
  publish(subject: string, data: Uint8Array): void;
  /** @param options.queue of the subscribers that name the same queue one gets each message */
  subscribe(
    subject: string,
    handler: (data: Uint8Array, subject: string) => void,
    options?: { readonly queue?: string },
  ): Subscription;
  /** Asks and takes the first answer. @throws XebecError unavailable (nobody answers), deadline_exceeded, or the answerer's */
  request(subject: string, data: Uint8Array, options: { readonly timeoutMs: number }): Promise<Uint8Array>;
  /**
   * Asks everyone; returns the answers that came in time, none when nobody listens.
   * @param options.failed called with each answer that was an error, which is logged besides
   */
  requestAll(
    subject: string,
    data: Uint8Array,
    options: { readonly timeoutMs: number; readonly failed?: (error: XebecError) => void },
  ): Promise<Uint8Array[]>;
  respond(
    subject: string,
    handler: (data: Uint8Array) => Uint8Array | Promise<Uint8Array>,
    options?: { readonly queue?: string },
  ): Subscription;
  workQueue(name: string): WorkQueue;
}
