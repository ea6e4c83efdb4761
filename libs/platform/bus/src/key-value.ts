import type { Subscription } from "./subscription.ts";

/** Called with the entries of a bucket, and with what the server says of them. */
export interface KeyValueWatcher {
  /** Says whether a key is reported; absent: all are. The answer for a key is always the same. */
  wants?(key: string): boolean;
  /** A key has this value now; undefined: it was deleted. Calls are coalesced per key. */
  entry(key: string, value: Uint8Array | undefined): void;
  /** Called once, when everything that the bucket held at the start of the watch was reported. A bucket that does not exist
   * yet is not synced. @param incarnation names the store: another one has another name */
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
