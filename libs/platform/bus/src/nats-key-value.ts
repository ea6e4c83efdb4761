import { sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { streamOf } from "./bucket-names.ts";
import { EntryPublisher } from "./entry-publisher.ts";
import { checkKey } from "./key-codec.ts";
import type { KeyValue, KeyValueWatch, KeyValueWatcher } from "./key-value.ts";
import { getValue } from "./nats-get.ts";
import type { NatsLink } from "./nats-link.ts";
import { NatsWatch } from "./nats-watch.ts";
import { PendingWrites } from "./pending-writes.ts";
import type { EntrySigner, EntryVerifier } from "./signature.ts";
import { StoreIncarnation } from "./store-incarnation.ts";

const CHECK_MS = 3_000;
const log = logger("bus");

export interface BucketSecurity {
  readonly signer?: EntrySigner | undefined;
  readonly verifier?: (() => EntryVerifier) | undefined;
}

/**
 * A bucket on the server. It remembers what it wrote, and writes it again when the server lost its store or somebody forged an
 * entry of a signed bucket.
 */
export class NatsKeyValue implements KeyValue {
  readonly #link: NatsLink;
  readonly #bucket: string;
  readonly #security: BucketSecurity;
  /** What the store must hold of ours. */
  readonly #own = new Map<string, Uint8Array>();
  readonly #store = new StoreIncarnation();
  readonly #publisher: EntryPublisher;
  readonly #writes: PendingWrites;
  #timer: NodeJS.Timeout | undefined;
  #checking = false;

  /** @param stalled called about once a second while the server can be reached and acknowledges no write */
  constructor(
    link: NatsLink,
    bucket: string,
    security: BucketSecurity = {},
    stalled: (bucket: string) => void = () => undefined,
  ) {
    this.#link = link;
    this.#bucket = bucket;
    this.#security = security;
    this.#publisher = new EntryPublisher(bucket, this.#store, security.signer, () => this.#writeAgain());
    this.#writes = new PendingWrites({
      link,
      bucket,
      write: (current, key, value) => this.#publisher.publish(current, key, value),
      refused: (key) => void this.#own.delete(key),
      stalled: () => stalled(bucket),
    });
  }

  /** What waits to be written for too long, a sentence. */
  missing(): readonly string[] {
    return this.#writes.missing();
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    return this.#write(key, value);
  }

  async delete(key: string): Promise<void> {
    return this.#write(key, undefined);
  }

  keep(key: string, value: Uint8Array): void {
    if (!this.#own.has(key)) this.#own.set(key, value);
    this.#watchStore();
  }

  watch(watcher: KeyValueWatcher): KeyValueWatch {
    return new NatsWatch(this.#link, this.#bucket, watcher, this.#security.verifier?.());
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    checkKey(key);
    if (!this.#link.connected) throw new XebecError("unavailable", "the bus is down");
    return getValue(await this.#link.ready(), this.#bucket, key, this.#security.verifier?.());
  }

  #write(key: string, value: Uint8Array | undefined): Promise<void> {
    checkKey(key);
    if (value) this.#own.set(key, value);
    else this.#own.delete(key);
    this.#watchStore();
    return this.#writes.add(key, value);
  }

  /** From the first write on, watches for a server that lost its store. */
  #watchStore(): void {
    if (this.#timer || this.#link.signal.aborted) return;
    const check = (): void => {
      if (this.#checking) return;
      this.#checking = true;
      void this.#checkStore().finally(() => {
        this.#checking = false;
      });
    };
    this.#timer = setInterval(check, CHECK_MS);
    this.#timer.unref();
    const unwatch = this.#link.onConnected(check);
    const repair = this.#repairForged();
    this.#link.signal.addEventListener("abort", () => {
      clearInterval(this.#timer);
      unwatch();
      repair?.close();
    });
  }

  async #checkStore(): Promise<void> {
    for (let attempt = 0; this.#link.connected && !this.#link.signal.aborted && attempt < 20; attempt++) {
      try {
        const link = await this.#link.ready();
        const begun = this.#store.begin();
        const { created, state } = await link.manager.streams.info(streamOf(this.#bucket));
        if (this.#store.seen(String(created), state.last_seq, begun)) this.#writeAgain();
        return;
      } catch (error) {
        log.debug({ err: error, bucket: this.#bucket }, "the store could not be checked");
        await sleep(100, this.#link.signal);
      }
    }
  }

  /** The store is not the one that acknowledged our writes. */
  #writeAgain(): void {
    log.warn(
      { bucket: this.#bucket, keys: this.#own.size },
      "the server lost this bucket; everything is written again",
    );
    this.#publisher.forgetChunks();
    for (const [key, value] of this.#own)
      if (!this.#writes.has(key)) this.#restore(key, value, "a value was not written again");
  }

  /** The writer of a signed bucket puts its value back where a forged entry has replaced it. */
  #repairForged(): KeyValueWatch | undefined {
    const { signer, verifier } = this.#security;
    if (!signer || !verifier) return undefined;
    const watcher: KeyValueWatcher = {
      entry: () => {},
      synced: () => {},
      forged: (key) => {
        const value = this.#own.get(key);
        // A key that is not ours may be another replica's; readers ignore the forged entry in any case.
        if (value) this.#restore(key, value, "a forged entry could not be replaced");
      },
    };
    return new NatsWatch(this.#link, this.#bucket, watcher, verifier());
  }

  #restore(key: string, value: Uint8Array, failure: string): void {
    this.#write(key, value).catch((error: unknown) => log.error({ err: error, entry: key }, failure));
  }
}
