import { JetStreamApiError } from "@nats-io/jetstream";
import { createInbox, type Msg } from "@nats-io/transport-node";
import { backoff, sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { WORK_QUEUE } from "@xebec/model-bus";
import { decodeKey, encodeKey } from "./key-codec.ts";
import { inboxOf, type Link, type NatsLink } from "./nats-link.ts";
import { isPermissionViolation } from "./permission.ts";
import type { Subscription } from "./subscription.ts";
import {
  ACK_WAIT_MS,
  consumerOf,
  MAX_ITEM_BYTES,
  partitionOf,
  partitionSubject,
  type WorkItem,
  type WorkOutcome,
  type WorkQueue,
  type WorkQueueWaiting,
} from "./work-queue.ts";

/** How long the server holds a request for the next item. */
const PULL_MS = 5_000;
const PAUSE = { baseMs: 100, maxMs: 2_000 };
/** Items of one key in work at a time. */
const AT_A_TIME = 64;
/** How long the other keys of a partition wait for one whose work takes long. */
const BUSY_MS = 1_000;
const RETRY_BUSY_MS = 5_000;
/** A replica may not have heard of a handler yet that another one has. */
const RETRY_ORPHAN_MS = 2_000;
const HEARTBEAT_MS = ACK_WAIT_MS / 3;
/** JetStream's error when a limit of the stream, or of the subject, is reached. */
const LIMITS = new Set([10_077, 10_047]);
const log = logger("bus");

type Work = (item: WorkItem) => Promise<WorkOutcome>;

/** The items of one key that are in work here. */
class Desk {
  readonly work: Work;
  #busy = 0;
  #free: (() => void)[] = [];

  constructor(work: Work) {
    this.work = work;
  }

  /** @returns whether there was a place within the time */
  async sit(): Promise<boolean> {
    if (this.#busy >= AT_A_TIME) {
      const stop = new AbortController();
      await Promise.race([
        new Promise<void>((resolve) => this.#free.push(resolve)),
        sleep(BUSY_MS, stop.signal).catch(() => undefined),
      ]);
      stop.abort();
      if (this.#busy >= AT_A_TIME) return false;
    }
    this.#busy++;
    return true;
  }

  leave(): void {
    this.#busy--;
    for (const free of this.#free.splice(0)) free();
  }
}

/** The work queue in a stream of JetStream, with one consumer per partition, from which every replica pulls. */
export class NatsWorkQueue implements WorkQueue {
  readonly #link: NatsLink;
  readonly #desks = new Map<string, Desk>();
  readonly #pulling = new Set<number>();
  #orphan: (key: string, item: WorkItem) => WorkOutcome = () => ({ retryMs: RETRY_ORPHAN_MS });

  #lost = new AbortController();

  constructor(link: NatsLink) {
    this.#link = link;
    // A server that was started again does not know what it was asked before.
    link.onConnected(() => {
      this.#lost.abort();
      this.#lost = new AbortController();
    });
  }

  get connected(): boolean {
    return this.#link.connected;
  }

  async add(key: string, data: Uint8Array): Promise<void> {
    if (data.length > MAX_ITEM_BYTES)
      throw new XebecError("invalid_argument", `an item of ${data.length} bytes is larger than ${MAX_ITEM_BYTES}`);
    const link = this.#link.current;
    if (!link || !this.connected) throw new XebecError("unavailable", "the bus is down");
    try {
      await link.stream.publish(partitionSubject(partitionOf(key), encodeKey(key)), data);
    } catch (error) {
      if (isPermissionViolation(error))
        throw new XebecError("permission_denied", "this service may not add to the work queue of the bus", {
          cause: error,
        });
      if (error instanceof JetStreamApiError && LIMITS.has(error.code))
        throw new XebecError("resource_exhausted", `the queue of ${key} on the bus is full`, { cause: error });
      throw new XebecError("unavailable", "the work queue of the bus takes nothing", { cause: error });
    }
  }

  consume(key: string, work: Work): Subscription {
    const desk = new Desk(work);
    this.#desks.set(key, desk);
    for (let i = 0; i < WORK_QUEUE.partitions; i++) this.#follow(i);
    return {
      close: () => {
        if (this.#desks.get(key) === desk) this.#desks.delete(key);
      },
    };
  }

  onOrphan(orphan: (key: string, item: WorkItem) => WorkOutcome): void {
    this.#orphan = orphan;
  }

  async waiting(key: string): Promise<WorkQueueWaiting> {
    const link = this.#link.current;
    if (!link || !this.connected) throw new XebecError("unavailable", "the bus is down");
    const subject = partitionSubject(partitionOf(key), encodeKey(key));
    const { state } = await link.manager.streams.info(WORK_QUEUE.stream, { subjects_filter: subject });
    return { items: state.subjects?.[subject] ?? 0 };
  }

  #follow(partition: number): void {
    if (this.#pulling.has(partition)) return;
    this.#pulling.add(partition);
    this.#pull(partition)
      .catch((error: unknown) => log.debug({ err: error }, "the work queue is closed"))
      .finally(() => this.#pulling.delete(partition));
  }

  /** Also of partitions of which nobody here consumes a key: what is orphaned shall be counted. */
  async #pull(partition: number): Promise<void> {
    const { signal } = this.#link;
    for (let failures = 0; !signal.aborted && this.#desks.size > 0; ) {
      try {
        const link = await this.#link.ready();
        const message = await nextOf(link, this.#link.options.name, partition, this.#lost.signal);
        failures = 0;
        if (message) await this.#take(message);
      } catch (error) {
        if (signal.aborted) return;
        log.debug({ err: error, partition }, "no work could be taken from the bus");
        await sleep(backoff(failures++, PAUSE), signal);
      }
    }
  }

  /** Begins the work of an item; returns when the next one may be taken. */
  async #take(message: Msg): Promise<void> {
    const key = decodeKey(message.subject.split(".").slice(2).join("."));
    const item = itemOf(message);
    const desk = this.#desks.get(key);
    if (!desk) return settle(message, this.#orphan(key, item));
    if (!(await desk.sit())) return settle(message, { retryMs: RETRY_BUSY_MS });
    const beat = setInterval(() => message.respond(Buffer.from("+WPI")), HEARTBEAT_MS);
    void desk
      .work(item)
      .catch((error: unknown): WorkOutcome => {
        log.warn({ err: error, key }, "work of the bus failed");
        return { retryMs: RETRY_BUSY_MS };
      })
      .then((outcome) => {
        clearInterval(beat);
        desk.leave();
        settle(message, outcome);
      });
  }
}

/** @returns undefined when there was none for some seconds */
async function nextOf(
  { connection }: Link,
  name: string,
  partition: number,
  lost: AbortSignal,
): Promise<Msg | undefined> {
  const subject = `$JS.API.CONSUMER.MSG.NEXT.${WORK_QUEUE.stream}.${consumerOf(partition)}`;
  // An item comes with its own subject, not with that of the inbox: `request` would not know it.
  const inbox = createInbox(inboxOf(name));
  const answer = new Promise<Msg>((resolve, reject) => {
    const subscription = connection.subscribe(inbox, {
      max: 1,
      timeout: PULL_MS + 2_000,
      callback: (error, message) => {
        lost.removeEventListener("abort", stop);
        if (error) reject(error);
        else resolve(message);
      },
    });
    const stop = (): void => {
      subscription.unsubscribe();
      reject(new XebecError("unavailable", "the server of the bus was started again"));
    };
    lost.addEventListener("abort", stop, { once: true });
  });
  connection.publish(subject, JSON.stringify({ batch: 1, expires: PULL_MS * 1e6 }), { reply: inbox });
  const message = await answer;
  const { code = 0, description = "" } = message.headers ?? {};
  if (code === 404 || code === 408) return undefined;
  if (code !== 0) throw new XebecError("unavailable", `the work queue answers with ${code}: ${description}`);
  return message;
}

/** A reply subject has `$JS.ACK.STREAM.CONSUMER.DELIVERED.SEQ.CONSUMERSEQ.TIME.PENDING`, with domain and account before STREAM at times. */
function itemOf({ data, reply = "" }: Msg): WorkItem {
  const words = reply.split(".");
  const at = words.length > 9 ? 6 : 4;
  return { data, addedAt: Number(words[at + 3]) / 1e6, retries: Number(words[at]) - 1 };
}

function settle(message: Msg, outcome: WorkOutcome): void {
  message.respond(outcome === "done" ? "+ACK" : `-NAK ${JSON.stringify({ delay: Math.ceil(outcome.retryMs * 1e6) })}`);
}
