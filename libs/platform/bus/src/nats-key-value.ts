import { type Msg, headers as makeHeaders, PermissionViolationError } from "@nats-io/transport-node";
import { backoff, sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { chunkSubject, streamOf, valueSubject } from "./bucket-names.ts";
import type { KeyValue, KeyValueWatch, KeyValueWatcher } from "./bus.ts";
import { CHUNKS, type ChunkInfo, chunksHeader, joinChunks, readChunksHeader, splitValue } from "./chunks.ts";
import { DELETION_TTL, OPERATION, readEntry } from "./entry.ts";
import { checkKey } from "./key-codec.ts";
import { ANSWER_MS, type Link, type NatsLink } from "./nats-link.ts";
import { NatsWatch } from "./nats-watch.ts";
import type { EntrySigner, EntryVerifier } from "./signature.ts";
import { StoreIncarnation } from "./store-incarnation.ts";
import { WriteProgress } from "./write-progress.ts";

const IN_FLIGHT = 256;
const PAUSE = { baseMs: 50, maxMs: 1_000 };
const HEADER_ROOM = 8_192;
const CHECK_MS = 3_000;
const log = logger("bus");

interface Wanted {
  value: Uint8Array | undefined;
  waiters: { resolve(): void; reject(error: unknown): void }[];
}

export interface BucketSecurity {
  readonly signer?: EntrySigner | undefined;
  readonly verifier?: (() => EntryVerifier) | undefined;
}

/** A bucket on the server. What it wrote it writes again when the server lost its store. */
export class NatsKeyValue implements KeyValue {
  readonly #link: NatsLink;
  readonly #bucket: string;
  readonly #security: BucketSecurity;
  /** What the store must hold of ours. */
  readonly #own = new Map<string, Uint8Array>();
  readonly #wanted = new Map<string, Wanted>();
  readonly #busy = new Set<string>();
  /** Chunks on the server that a key of ours refers to. */
  readonly #chunks = new Map<string, ChunkInfo>();
  readonly #age = new StoreIncarnation();
  readonly #progress = new WriteProgress();
  readonly #tellStall: (bucket: string) => void;
  #stalled = false;
  #guardian: NodeJS.Timeout | undefined;
  #checking = false;

  /** @param tellStall called about once a second while the server can be reached and takes no write */
  constructor(
    link: NatsLink,
    bucket: string,
    security: BucketSecurity = {},
    tellStall: (bucket: string) => void = () => undefined,
  ) {
    this.#link = link;
    this.#tellStall = tellStall;
    this.#bucket = bucket;
    this.#security = security;
  }

  /** What waits to be written for too long, a sentence. */
  missing(): readonly string[] {
    const { late } = this.#progress;
    if (!late) return [];
    const why = this.#link.connected ? late.reason : "the bus is down";
    return [`the bus has taken no change of the bucket "${this.#bucket}" for ${late.seconds} s: ${why}`];
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    return this.#want(key, value);
  }

  async delete(key: string): Promise<void> {
    return this.#want(key, undefined);
  }

  keep(key: string, value: Uint8Array): void {
    if (!this.#own.has(key)) this.#own.set(key, value);
    this.#guard();
  }

  watch(watcher: KeyValueWatcher): KeyValueWatch {
    return new NatsWatch(this.#link, this.#bucket, watcher, this.#security.verifier?.());
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    checkKey(key);
    if (!this.#link.connected) throw new XebecError("unavailable", "the bus is down");
    const link = await this.#link.ready();
    const verifier = this.#security.verifier?.();
    // A value that changes while its chunks are fetched is fetched again.
    for (let attempt = 0; attempt < 3; attempt++) {
      const entry = await this.#fetch(link, valueSubject(this.#bucket, key));
      if (!entry || entry.deleted || entry.copied) return undefined;
      if (verifier && !verifier.accepts(entry.headers, entry.subject, entry.data)) return undefined;
      const info = readChunksHeader(entry.headers);
      if (!info) return entry.data;
      const chunks: (Uint8Array | undefined)[] = [];
      for (let i = 0; i < info.count; i++)
        chunks.push((await this.#fetch(link, chunkSubject(this.#bucket, info.hash, i)))?.data);
      const value = joinChunks(info, (i) => chunks[i]);
      if (value) return value;
    }
    throw new XebecError("unavailable", `the value of "${key}" changes too fast to be read`);
  }

  async #fetch({ connection }: Link, subject: string) {
    let message: Msg;
    try {
      message = await connection.request(`$JS.API.DIRECT.GET.${streamOf(this.#bucket)}.${subject}`, "", {
        timeout: ANSWER_MS,
      });
    } catch (error) {
      throw (
        refused(error, this.#bucket, "read") ??
        new XebecError("unavailable", `the bucket "${this.#bucket}" cannot be read`, { cause: error })
      );
    }
    return message.headers?.code ? undefined : readEntry(message, this.#bucket);
  }

  #want(key: string, value: Uint8Array | undefined): Promise<void> {
    checkKey(key);
    if (value) this.#own.set(key, value);
    else this.#own.delete(key);
    this.#guard();
    this.#progress.begin();
    return new Promise((resolve, reject) => {
      const waiter = { resolve, reject };
      const wanted = this.#wanted.get(key);
      if (wanted) {
        wanted.value = value;
        wanted.waiters.push(waiter);
      } else this.#wanted.set(key, { value, waiters: [waiter] });
      this.#pump();
    });
  }

  #pump(): void {
    for (const key of this.#wanted.keys()) {
      if (this.#busy.size >= IN_FLIGHT) return;
      if (this.#busy.has(key)) continue;
      this.#busy.add(key);
      void this.#flush(key).finally(() => {
        this.#busy.delete(key);
        this.#pump();
      });
    }
  }

  /** Writes the latest wish for one key; the wishes of a key are written one after the other. */
  async #flush(key: string): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const wanted = this.#wanted.get(key);
      if (!wanted) return;
      const { value } = wanted;
      const waiters = [...wanted.waiters];
      try {
        const link = await this.#link.ready();
        await this.#write(link, key, value);
        wanted.waiters = wanted.waiters.slice(waiters.length);
        if (wanted.waiters.length === 0) this.#wanted.delete(key);
        for (const each of waiters) each.resolve();
        this.#taken();
        return;
      } catch (error) {
        const final = this.#link.signal.aborted
          ? new XebecError("cancelled", "the bus was closed")
          : refused(error, this.#bucket, "write");
        if (final) {
          this.#wanted.delete(key);
          this.#own.delete(key);
          for (const each of wanted.waiters) each.reject(final);
          this.#taken();
          return;
        }
        log.debug({ err: error, bucket: this.#bucket, entry: key }, "a write did not arrive; trying again");
        this.#failed(error);
        await sleep(backoff(attempt, PAUSE), this.#link.signal);
      }
    }
  }

  #taken(): void {
    this.#progress.done(this.#wanted.size);
    if (this.#stalled) log.info({ bucket: this.#bucket }, "the bus takes changes again");
    this.#stalled = false;
  }

  #failed(error: unknown): void {
    this.#progress.failed(error);
    const [message] = this.missing();
    if (!message) return;
    if (!this.#stalled) log.error({ err: error, bucket: this.#bucket }, message);
    this.#stalled = true;
    if (this.#link.connected) this.#tellStall(this.#bucket);
  }

  async #write(link: Link, key: string, value: Uint8Array | undefined): Promise<void> {
    const subject = valueSubject(this.#bucket, key);
    const headers = makeHeaders();
    const old = this.#chunks.get(key);
    const room = (link.connection.info?.max_payload ?? 1 << 20) - HEADER_ROOM;
    let data = value ?? new Uint8Array();
    let info: ChunkInfo | undefined;
    if (!value) {
      headers.set(OPERATION, "DEL");
      headers.set("Nats-TTL", DELETION_TTL);
    } else if (value.byteLength > room) {
      const split = splitValue(value, room);
      info = split.info;
      // The chunks first: whoever sees the value finds them all.
      for (const [i, chunk] of split.chunks.entries())
        await link.stream.publish(chunkSubject(this.#bucket, info.hash, i), chunk);
      headers.set(CHUNKS, chunksHeader(info));
      data = new Uint8Array();
    }
    this.#security.signer?.sign(headers, subject, data);
    const begun = this.#age.begin();
    const { seq } = await link.stream.publish(subject, data, { headers });
    if (this.#age.acknowledged(seq, begun)) this.#writeAgain();
    if (info) this.#chunks.set(key, info);
    else this.#chunks.delete(key);
    if (old && old.hash !== info?.hash) await this.#dropChunks(link, old);
  }

  async #dropChunks(link: Link, { hash, count }: ChunkInfo): Promise<void> {
    // Another key may have the same content.
    if ([...this.#chunks.values()].some((each) => each.hash === hash)) return;
    for (let i = 0; i < count; i++) {
      const headers = makeHeaders();
      headers.set(OPERATION, "DEL");
      headers.set("Nats-TTL", DELETION_TTL);
      await link.stream.publish(chunkSubject(this.#bucket, hash, i), new Uint8Array(), { headers });
    }
  }

  /** From the first write on, watches for a server that lost its store. */
  #guard(): void {
    if (this.#guardian || this.#link.signal.aborted) return;
    const check = (): void => {
      if (this.#checking) return;
      this.#checking = true;
      void this.#checkStore().finally(() => {
        this.#checking = false;
      });
    };
    this.#guardian = setInterval(check, CHECK_MS);
    this.#guardian.unref();
    const unwatch = this.#link.onConnected(check);
    const repair = this.#repairForged();
    this.#link.signal.addEventListener("abort", () => {
      clearInterval(this.#guardian);
      unwatch();
      repair?.close();
    });
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
        if (!value) return;
        this.#want(key, value).catch((error: unknown) =>
          log.error({ err: error, entry: key }, "a forged entry could not be replaced"),
        );
      },
    };
    return new NatsWatch(this.#link, this.#bucket, watcher, verifier());
  }

  /** The store is not the one that acknowledged our writes. */
  #writeAgain(): void {
    log.warn(
      { bucket: this.#bucket, keys: this.#own.size },
      "the server lost this bucket; everything is written again",
    );
    this.#chunks.clear();
    for (const [key, value] of this.#own)
      if (!this.#wanted.has(key))
        this.#want(key, value).catch((error: unknown) =>
          log.error({ err: error, entry: key }, "a value was not written again"),
        );
  }

  async #checkStore(): Promise<void> {
    for (let attempt = 0; this.#link.connected && !this.#link.signal.aborted && attempt < 20; attempt++) {
      try {
        const link = await this.#link.ready();
        const begun = this.#age.begin();
        const { created, state } = await link.manager.streams.info(streamOf(this.#bucket));
        if (this.#age.seen(String(created), state.last_seq, begun)) this.#writeAgain();
        return;
      } catch (error) {
        log.debug({ err: error, bucket: this.#bucket }, "the store could not be checked");
        await sleep(100, this.#link.signal);
      }
    }
  }
}

/** A XebecError when trying again is of no use. */
function refused(error: unknown, bucket: string, what: string): XebecError | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if (at instanceof PermissionViolationError)
      return new XebecError("permission_denied", `this service may not ${what} the bucket "${bucket}" of the bus`, {
        cause: error,
      });
  return undefined;
}
