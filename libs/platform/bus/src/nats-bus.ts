import {
  type Msg,
  headers as makeHeaders,
  NoRespondersError,
  RequestError,
  TimeoutError,
} from "@nats-io/transport-node";
import { CODES, type Code, XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import type { Metrics } from "@xebec/core-metrics";
import {
  ALL_BUCKETS,
  ALL_WORK_QUEUES,
  type Bucket,
  type BusUser,
  SIGNED_BUCKETS,
  SUBJECTS,
  writersOf,
} from "@xebec/model-bus";
import { checkBucket } from "./bucket-names.ts";
import type { Bus, KeyValue, Subscription, WorkQueue } from "./bus.ts";
import { type BucketSecurity, NatsKeyValue } from "./nats-key-value.ts";
import { type LinkOptions, NatsLink } from "./nats-link.ts";
import { NatsQueue } from "./nats-queue.ts";
import { Provisioner } from "./provision.ts";
import { EntrySigner, EntryVerifier } from "./signature.ts";

export interface NatsBusOptions extends LinkOptions {
  /** Makes buckets and queues that do not exist (true without a seed; with one, only citadel and the supervisor may). */
  readonly provision?: boolean;
  /** Public nkeys of the users; with them, entries of signed buckets are believed only from their writers. */
  readonly publicKeys?: Partial<Readonly<Record<BusUser, string>>> | undefined;
  readonly metrics?: Metrics;
}

const log = logger("bus");
const ERROR_HEADER = "Xebec-Error";
/** How long `requestAll` waits after an answer for another one. */
const STALL_MS = 250;
/** Between two messages about writes that are not taken. */
const TELL_MS = 2_000;

/**
 * Makes the bus over NATS with JetStream. `start` returns at once: the connection is made when the server is there, and again
 * after each outage.
 */
export function createNatsBus(options: NatsBusOptions): Bus {
  return new NatsBus(options);
}

type Handler = (error: Error | null, message: Msg) => void;

class NatsBus implements Bus {
  readonly name: string;
  readonly #options: NatsBusOptions;
  readonly #link: NatsLink;
  readonly #buckets = new Map<string, NatsKeyValue>();
  readonly #queues = new Map<string, NatsQueue>();
  readonly #signer: EntrySigner | undefined;
  #provisioner: Provisioner | undefined;
  #told = Number.NEGATIVE_INFINITY;

  constructor(options: NatsBusOptions) {
    this.name = `bus ${options.name}`;
    this.#options = options;
    this.#link = new NatsLink(options);
    this.#signer = options.seed === undefined ? undefined : new EntrySigner(options.seed);
    options.metrics?.gauge("xebec_bus_connected", "1 while the bus can be reached.", [], () =>
      this.connected ? 1 : 0,
    );
  }

  get connected(): boolean {
    return this.#link.connected;
  }

  async start(): Promise<void> {
    const { provision = this.#options.seed === undefined } = this.#options;
    if (provision)
      this.#provisioner = new Provisioner(
        this.#link,
        [...ALL_BUCKETS, ...this.#buckets.keys()],
        [...ALL_WORK_QUEUES, ...this.#queues.keys()],
      );
    this.#link.ready().catch((error: unknown) => log.debug({ err: error }, "the bus was closed before it was reached"));
  }

  /** Writes that the server does not take: whoever waits for them is not well, whatever the server says of itself. */
  missing(): readonly string[] {
    return [...this.#buckets.values()].flatMap((each) => each.missing());
  }

  /** Tells whoever looks after the server; messages pass although its store has failed. */
  #tellStall(bucket: string): void {
    if (performance.now() - this.#told < TELL_MS) return;
    this.#told = performance.now();
    this.publish(SUBJECTS.stalls, Buffer.from(bucket));
  }

  async close(): Promise<void> {
    await this.#provisioner?.close();
    await this.#link.close();
  }

  bucket(name: string): KeyValue {
    let bucket = this.#buckets.get(name);
    if (!bucket) {
      checkBucket(name);
      bucket = new NatsKeyValue(this.#link, name, this.#securityOf(name), (each) => this.#tellStall(each));
      this.#buckets.set(name, bucket);
      this.#provisioner?.bucket(name);
    }
    return bucket;
  }

  workQueue(name: string): WorkQueue {
    let queue = this.#queues.get(name);
    if (!queue) {
      checkBucket(name);
      queue = new NatsQueue(this.#link, name);
      this.#queues.set(name, queue);
      this.#provisioner?.queue(name);
    }
    return queue;
  }

  publish(subject: string, data: Uint8Array): void {
    const link = this.#link.current;
    if (!link || !this.connected) {
      log.debug({ subject }, "a message was dropped: the bus is down");
      return;
    }
    link.connection.publish(subject, data);
  }

  subscribe(
    subject: string,
    handler: (data: Uint8Array, subject: string) => void,
    options: { readonly queue?: string } = {},
  ): Subscription {
    return this.#listen(subject, options.queue, (error, message) => {
      if (error) {
        log.error({ err: error, subject }, "the bus refuses a subscription");
        return;
      }
      try {
        handler(message.data, message.subject);
      } catch (fault) {
        log.error({ err: fault, subject }, "a handler failed");
      }
    });
  }

  respond(
    subject: string,
    handler: (data: Uint8Array) => Uint8Array | Promise<Uint8Array>,
    options: { readonly queue?: string } = {},
  ): Subscription {
    return this.#listen(subject, options.queue, (error, message) => {
      if (error) {
        log.error({ err: error, subject }, "the bus refuses a subscription");
        return;
      }
      void this.#answer(subject, message, handler);
    });
  }

  async #answer(
    subject: string,
    message: Msg,
    handler: (data: Uint8Array) => Uint8Array | Promise<Uint8Array>,
  ): Promise<void> {
    try {
      message.respond(await handler(message.data));
    } catch (thrown) {
      const fault = XebecError.from(thrown);
      log.debug({ err: fault, subject }, "a request was refused");
      const headers = makeHeaders();
      headers.set(ERROR_HEADER, fault.code);
      message.respond(Buffer.from(fault.message), { headers });
    }
  }

  async request(subject: string, data: Uint8Array, { timeoutMs }: { readonly timeoutMs: number }): Promise<Uint8Array> {
    const link = this.#link.current;
    if (!link || !this.connected) throw new XebecError("unavailable", "the bus is down");
    let message: Msg;
    try {
      message = await link.connection.request(subject, data, { timeout: timeoutMs });
    } catch (error) {
      throw requestError(error, subject, timeoutMs);
    }
    return answerOf(message);
  }

  async requestAll(
    subject: string,
    data: Uint8Array,
    { timeoutMs, failed }: { readonly timeoutMs: number; readonly failed?: (error: XebecError) => void },
  ): Promise<Uint8Array[]> {
    const link = this.#link.current;
    if (!link || !this.connected) throw new XebecError("unavailable", "the bus is down");
    const answers: Uint8Array[] = [];
    try {
      const messages = await link.connection.requestMany(subject, data, {
        strategy: "stall",
        stall: Math.min(STALL_MS, timeoutMs),
        maxWait: timeoutMs,
      });
      for await (const message of messages)
        if (message.headers?.get(ERROR_HEADER)) {
          const fault = errorOf(message);
          log.warn({ err: fault, subject }, "one of those that were asked answered with an error");
          failed?.(fault);
        } else if (message.headers?.code !== 503) answers.push(message.data);
    } catch (error) {
      const fault = requestError(error, subject, timeoutMs);
      if (fault.code !== "unavailable" && fault.code !== "deadline_exceeded") throw fault;
    }
    return answers;
  }

  /** Listens now or as soon as there is a connection; the client library listens again after each reconnect. */
  #listen(subject: string, queue: string | undefined, callback: Handler): Subscription {
    let close: (() => void) | undefined;
    let closed = false;
    const attach = (): void => {
      const link = this.#link.current;
      if (!link || closed || close) return;
      const subscription = link.connection.subscribe(subject, { callback, ...(queue === undefined ? {} : { queue }) });
      close = () => subscription.unsubscribe();
    };
    const unwatch = this.#link.onConnected(attach);
    return {
      close() {
        closed = true;
        unwatch();
        close?.();
      },
    };
  }

  #securityOf(bucket: string): BucketSecurity {
    const { publicKeys } = this.#options;
    if (!SIGNED_BUCKETS.some((each) => each === bucket)) return {};
    const keys = publicKeys ? writersOf(bucket as Bucket).flatMap((user) => publicKeys[user] ?? []) : undefined;
    return { signer: this.#signer, verifier: keys && (() => new EntryVerifier(keys)) };
  }
}

function answerOf(message: Msg): Uint8Array {
  if (!message.headers?.get(ERROR_HEADER)) return message.data;
  throw errorOf(message);
}

function errorOf(message: Msg): XebecError {
  const code = message.headers?.get(ERROR_HEADER) ?? "";
  return new XebecError(Object.hasOwn(CODES, code) ? (code as Code) : "unknown", message.string());
}

function requestError(error: unknown, subject: string, timeoutMs: number): XebecError {
  if (error instanceof TimeoutError)
    return new XebecError("deadline_exceeded", `no answer to "${subject}" within ${timeoutMs} ms`, { cause: error });
  if (error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders()))
    return new XebecError("unavailable", `nobody answers "${subject}" on the bus`, { cause: error });
  if (error instanceof RequestError)
    return new XebecError("permission_denied", `this service may not ask "${subject}" on the bus`, { cause: error });
  return new XebecError("unavailable", `"${subject}" cannot be asked: the bus is down`, { cause: error });
}
