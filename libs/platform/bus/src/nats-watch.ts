import { JetStreamApiError } from "@nats-io/jetstream";
import type { Subscription as NatsSubscription } from "@nats-io/transport-node";
import { sleep, TurnLimit } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import { changesOf, parseSubject, streamOf } from "./bucket-names.ts";
import { joinChunks, readChunksHeader } from "./chunks.ts";
import { DELETION_KEPT_MS, type KeyValueEntry, readEntry } from "./entry.ts";
import type { KeyValueWatch, KeyValueWatcher } from "./key-value.ts";
import type { NatsLink } from "./nats-link.ts";
import { readStream } from "./read-stream.ts";
import type { EntryVerifier } from "./signature.ts";

const CHECK_MS = 3_000;
const ABSENT_MS = 150;
const MAX_BUFFERED = 20_000;
/** Most entries that are taken in one turn of the event loop; a connection may bring thousands at once. */
const IN_TURN = 256;
const log = logger("bus");

/**
 * Watches a bucket. Entries come twice: read from the stream in order of their sequence numbers, and live from the server's
 * repetition of every stored entry.
 *
 * | State | Fields | An entry that arrives | Leaves it |
 * |---|---|---|---|
 * | absent: the stream was never seen | no `#incarnation` | is buffered | the stream exists |
 * | reading from `#position` on | `#reading` | is buffered | the end of the stream: the buffer is sorted and taken |
 * | following | `#incarnation`, not `#reading` | the next number is taken, a known one ignored, a gap wakes `#run` | a gap, `refresh`, an outage of ten minutes |
 *
 * `#run` checks the stream every three seconds, and at once when it is woken: another time of creation, or a last number below
 * what `#position` was when it asked, is the loss of the store. Then, at the first time, after `refresh` and after a long outage everything is read; else what is
 * missing. Keys that a whole reading did not find were deleted, but for those that a lost store held.
 */
export class NatsWatch implements KeyValueWatch {
  readonly #link: NatsLink;
  readonly #bucket: string;
  readonly #watcher: KeyValueWatcher;
  readonly #verifier: EntryVerifier | undefined;
  readonly #stop = new AbortController();
  readonly #unwatch: () => void;
  #wake: (() => void) | undefined;
  #awake = false;
  #live: NatsSubscription | undefined;
  /** The stream's time of creation; undefined before it was seen. */
  #incarnation: string | undefined;
  /** Everything up to this sequence number was reported. */
  #position = 0;
  #synced = false;
  #reading = false;
  #readAgain = false;
  #confirmedAt = 0;
  #buffered: KeyValueEntry[] = [];
  /** Live entries that wait for their turn, in the order in which they came. */
  #waiting: KeyValueEntry[] = [];
  readonly #turn = new TurnLimit(IN_TURN, () => this.#takeWaiting());
  /** Keys that were reported, by the round of reading in which they were last seen. */
  readonly #known = new Map<string, number>();
  #round = 0;
  /** Keys that were reported from a store that is lost and not written again since: their absence means nothing. */
  #orphans = new Set<string>();
  readonly #chunks = new Map<string, Uint8Array>();

  /** @param verifier of a signed bucket */
  constructor(link: NatsLink, bucket: string, watcher: KeyValueWatcher, verifier?: EntryVerifier) {
    this.#link = link;
    this.#bucket = bucket;
    this.#watcher = watcher;
    this.#verifier = verifier;
    this.#unwatch = link.onConnected(() => this.#poke());
    this.#run().catch((error: unknown) => log.error({ err: error, bucket }, "a watch ended"));
  }

  close(): void {
    this.#stop.abort();
    this.#unwatch();
    this.#live?.unsubscribe();
    this.#poke();
  }

  refresh(): void {
    this.#readAgain = true;
    this.#poke();
  }

  #poke(): void {
    this.#awake = true;
    this.#wake?.();
  }

  get #closed(): boolean {
    return this.#stop.signal.aborted || this.#link.signal.aborted;
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      this.#awake = false;
      let pause = CHECK_MS;
      if (this.#link.connected) {
        try {
          if (!(await this.#catchUp())) pause = ABSENT_MS;
        } catch (error) {
          if (this.#closed) return;
          log.debug({ err: error, bucket: this.#bucket }, "a bucket could not be read; trying again");
          pause = ABSENT_MS;
        }
      }
      if (!this.#awake) await this.#rest(pause);
    }
  }

  async #rest(ms: number): Promise<void> {
    const rested = new AbortController();
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    await Promise.race([woken, sleep(ms, rested.signal)]);
    rested.abort();
    this.#wake = undefined;
  }

  /** @returns false when the bucket does not exist */
  async #catchUp(): Promise<boolean> {
    const link = await this.#link.ready();
    // First listen, then read: nothing can fall between.
    this.#live ??= link.connection.subscribe(changesOf(this.#bucket), {
      callback: (error, message) => {
        if (error) {
          log.error({ err: error, bucket: this.#bucket }, "the bus refuses the changes of a bucket");
          return;
        }
        // An error that left this callback would end the connection of the whole service.
        this.#guard(() => {
          const entry = readEntry(message, this.#bucket);
          if (entry) this.#inTurn(entry);
        });
      },
    });
    // While the server answers, entries arrive that are later than its answer.
    const asked = this.#position;
    const info = await link.manager.streams.info(streamOf(this.#bucket)).catch((error: unknown) => {
      if (error instanceof JetStreamApiError && error.status === 404) return undefined;
      throw error;
    });
    if (!info || this.#closed) return false;
    const created = String(info.created);
    const lost = this.#incarnation !== undefined && (created !== this.#incarnation || info.state.last_seq < asked);
    const away = this.#confirmedAt > 0 && performance.now() - this.#confirmedAt > DELETION_KEPT_MS;
    const whole = this.#incarnation === undefined || lost || away || this.#readAgain;
    if (lost) {
      log.warn({ bucket: this.#bucket }, "the server lost this bucket");
      this.#orphans = new Set(this.#known.keys());
      this.#chunks.clear();
      this.#watcher.lost?.(created);
    }
    this.#incarnation = created;
    this.#readAgain = false;
    if (whole) {
      this.#position = 0;
      this.#round++;
    }
    if (whole || info.state.last_seq > this.#position) await this.#read(whole);
    if (this.#closed) return true;
    this.#confirmedAt = performance.now();
    if (!this.#synced) {
      this.#synced = true;
      this.#guard(() => this.#watcher.synced(created));
    }
    this.#guard(() => this.#watcher.confirmed?.());
    return true;
  }

  async #read(whole: boolean): Promise<void> {
    const link = await this.#link.ready();
    this.#reading = true;
    try {
      await readStream(link, this.#link.options.name, this.#bucket, this.#position + 1, (entry) => this.#take(entry));
      if (whole) this.#forgetAbsent();
    } finally {
      this.#reading = false;
    }
    const buffered = this.#buffered.sort((a, b) => a.sequence - b.sequence);
    this.#buffered = [];
    for (const entry of buffered) this.#arrived(entry);
  }

  #forgetAbsent(): void {
    for (const [key, round] of this.#known)
      if (round !== this.#round && !this.#orphans.has(key)) {
        this.#known.delete(key);
        this.#guard(() => this.#watcher.entry(key, undefined));
      }
  }

  /** A live entry is taken at once, unless many have come in this turn. One too many is dropped: the gap is read. */
  #inTurn(entry: KeyValueEntry): void {
    if (this.#waiting.length === 0 && this.#turn.take()) this.#arrived(entry);
    else if (this.#waiting.length < MAX_BUFFERED) this.#waiting.push(entry);
  }

  #takeWaiting(): void {
    let taken = 0;
    while (taken < this.#waiting.length && this.#turn.take()) this.#arrived(this.#waiting[taken++] as KeyValueEntry);
    this.#waiting.splice(0, taken);
  }

  #arrived(entry: KeyValueEntry): void {
    if (this.#closed) return;
    if (this.#reading || this.#incarnation === undefined) {
      // What does not fit is read from the stream: the gap is found when the next one arrives, or at the next check.
      if (this.#buffered.length < MAX_BUFFERED) this.#buffered.push(entry);
      return;
    }
    if (entry.sequence <= this.#position) {
      // Numbers that run backwards come from another store; the check finds out.
      if (entry.sequence < this.#position) this.#poke();
      return;
    }
    if (entry.sequence === this.#position + 1) this.#take(entry);
    else this.#poke();
  }

  #take(entry: KeyValueEntry): void {
    if (this.#closed) return;
    this.#position = Math.max(this.#position, entry.sequence);
    const subject = parseSubject(this.#bucket, entry.subject);
    if (!subject) return;
    if ("hash" in subject) {
      const name = `${subject.hash}.${subject.chunk}`;
      if (entry.copied) return;
      if (entry.deleted) this.#chunks.delete(name);
      else this.#chunks.set(name, entry.data);
      return;
    }
    const { key } = subject;
    if (entry.copied || (this.#verifier && !this.#verifier.accepts(entry.headers, entry.subject, entry.data))) {
      log.error({ bucket: this.#bucket, entry: key }, "no writer of this bucket made this entry; it is ignored");
      // It has taken the place of the real one in the store: the real one is not deleted.
      this.#known.set(key, this.#round);
      this.#guard(() => this.#watcher.forged?.(key));
      return;
    }
    if (this.#watcher.wants?.(key) === false) {
      this.#dropChunks(entry);
      return;
    }
    this.#orphans.delete(key);
    if (entry.deleted) {
      if (this.#known.delete(key)) this.#guard(() => this.#watcher.entry(key, undefined));
      return;
    }
    const value = this.#valueOf(entry);
    if (!value) {
      log.warn({ bucket: this.#bucket, entry: key }, "a large value is incomplete; the bucket is read again");
      this.#readAgain = true;
      this.#poke();
      return;
    }
    this.#known.set(key, this.#round);
    this.#guard(() => this.#watcher.entry(key, value));
  }

  #valueOf(entry: KeyValueEntry): Uint8Array | undefined {
    const info = readChunksHeader(entry.headers);
    if (!info) return entry.data;
    const value = joinChunks(info, (i) => this.#chunks.get(`${info.hash}.${i}`));
    if (value) this.#dropChunks(entry);
    return value;
  }

  #dropChunks({ headers }: KeyValueEntry): void {
    const info = readChunksHeader(headers);
    for (let i = 0; i < (info?.count ?? 0); i++) this.#chunks.delete(`${info?.hash}.${i}`);
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      log.error({ err: error, bucket: this.#bucket }, "a watcher failed");
    }
  }
}
