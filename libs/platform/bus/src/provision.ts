import {
  AckPolicy,
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamInfo,
} from "@nats-io/jetstream";
import { Coalescer, sleep } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import { WORK_QUEUE } from "@xebec/model-bus";
import { changesOf, streamOf, subjectsOf } from "./bucket-names.ts";
import type { Link, NatsLink } from "./nats-link.ts";
import { ACK_WAIT_MS, consumerOf, MAX_WAITING, partitionSubject } from "./work-queue.ts";

/** How often the buckets are checked; a server that comes back is checked at once. */
const CHECK_MS = 10_000;
const RETRY_MS = 200;

const log = logger("bus");

/** Creates the buckets that do not exist: at each connect, regularly, and when one is asked for. */
export class Provisioner {
  readonly #link: NatsLink;
  readonly #buckets: Set<string>;
  readonly #replicas: number;
  readonly #run: Coalescer;
  readonly #timer: NodeJS.Timeout;
  readonly #unwatch: () => void;
  #lacksRoom = false;

  /** @param replicas of the servers, how many hold each bucket */
  constructor(link: NatsLink, buckets: readonly string[], replicas = 1) {
    this.#link = link;
    this.#replicas = replicas;
    this.#buckets = new Set(buckets);
    this.#run = new Coalescer(() => this.#ensureAll());
    this.#timer = setInterval(() => void this.#run.request(), CHECK_MS);
    this.#timer.unref();
    this.#unwatch = link.onConnected(() => void this.#run.request());
  }

  bucket(name: string): void {
    if (this.#buckets.has(name)) return;
    this.#buckets.add(name);
    void this.#run.request();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#unwatch();
  }

  async #ensureAll(): Promise<void> {
    while (this.#link.connected && !this.#link.signal.aborted) {
      const link = this.#link.current;
      if (!link) return;
      try {
        for (const bucket of this.#buckets) await ensureBucket(link, bucket, this.#replicas);
        await this.#ensureWorkQueue(link);
        return;
      } catch (error) {
        log.debug({ err: error }, "the buckets could not be made yet");
        await sleep(RETRY_MS, this.#link.signal);
      }
    }
  }

  /** Without room for it mixer-telemetry does without: no reason not to have the buckets. */
  async #ensureWorkQueue(link: Link): Promise<void> {
    try {
      await ensureWorkQueue(link, this.#replicas);
      this.#lacksRoom = false;
    } catch (error) {
      if (!(error instanceof JetStreamApiError) || !NO_ROOM.has(error.code)) throw error;
      if (!this.#lacksRoom)
        log.warn({ err: error }, "the bus has no room for the work queue: remote sinks wait in memory");
      this.#lacksRoom = true;
    }
  }
}

/** JetStream's errors of a server or an account that has no such room. */
const NO_ROOM = new Set([10_023, 10_047]);

async function ensureBucket({ manager }: Link, bucket: string, replicas: number): Promise<void> {
  const name = streamOf(bucket);
  const found = await infoOf(manager, name);
  if (found && found.config.num_replicas >= replicas) return;
  if (found) {
    await manager.streams.update(name, { ...found.config, num_replicas: replicas });
    log.info({ bucket, replicas }, "a bucket is held by more servers of the bus now");
    return;
  }
  await manager.streams.add({
    name,
    subjects: [subjectsOf(bucket)],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    // Only the last value of a key; an older one is of no use to a bucket.
    max_msgs_per_subject: 1,
    discard: DiscardPolicy.New,
    allow_direct: true,
    allow_msg_ttl: true,
    num_replicas: replicas,
    republish: { src: subjectsOf(bucket), dest: changesOf(bucket) },
  });
  log.info({ bucket }, "a bucket was made on the bus");
}

/** Items go when they are done; of one key wait so many, and what comes then is refused. */
async function ensureWorkQueue({ manager }: Link, replicas: number): Promise<void> {
  const name = WORK_QUEUE.stream;
  const found = await infoOf(manager, name);
  if (found && found.config.num_replicas < replicas)
    await manager.streams.update(name, { ...found.config, num_replicas: replicas });
  if (!found)
    await manager.streams.add({
      name,
      subjects: [`${WORK_QUEUE.prefix}.>`],
      storage: StorageType.File,
      retention: RetentionPolicy.Workqueue,
      discard: DiscardPolicy.New,
      discard_new_per_subject: true,
      max_msgs_per_subject: MAX_WAITING.itemsOfKey,
      max_bytes: MAX_WAITING.bytes,
      max_age: MAX_WAITING.hours * 3_600e9,
      num_replicas: replicas,
    });
  if ((found?.state.consumer_count ?? 0) >= WORK_QUEUE.partitions) return;
  const names = new Set<string>();
  for await (const each of manager.consumers.list(name)) names.add(each.name);
  for (let i = 0; i < WORK_QUEUE.partitions; i++) {
    const durable = consumerOf(i);
    if (names.has(durable)) continue;
    await manager.consumers.add(name, {
      durable_name: durable,
      filter_subject: partitionSubject(i, ">"),
      ack_policy: AckPolicy.Explicit,
      ack_wait: ACK_WAIT_MS * 1e6,
      max_deliver: -1,
      max_ack_pending: -1,
    });
  }
  log.info({ stream: name }, "the work queue was made on the bus");
}

/** @returns undefined when there is no such stream */
async function infoOf(manager: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(name);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.status === 404) return undefined;
    throw error;
  }
}
