import { JetStreamApiError } from "@nats-io/jetstream";
import { createInbox, type Msg } from "@nats-io/transport-node";
import { sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { WORKERS, workStreamOf, workSubjectOf } from "./bucket-names.ts";
import type { Subscription, WorkQueue } from "./bus.ts";
import { inboxOf, type NatsLink } from "./nats-link.ts";

const ADD_TRIES = 8;
const PULL_MS = 2_000;
const log = logger("bus");

/** A work queue on the server: a stream that keeps an item until one worker has acknowledged it. */
export class NatsQueue implements WorkQueue {
  readonly #link: NatsLink;
  readonly #name: string;

  constructor(link: NatsLink, name: string) {
    this.#link = link;
    this.#name = name;
  }

  async add(data: Uint8Array): Promise<void> {
    let last: unknown;
    for (let attempt = 0; attempt < ADD_TRIES && !this.#link.signal.aborted; attempt++) {
      try {
        const link = await this.#link.ready();
        await link.stream.publish(workSubjectOf(this.#name), data);
        return;
      } catch (error) {
        // 10077: the stream is at its limit and refuses new messages.
        if (error instanceof JetStreamApiError && error.code === 10_077)
          throw new XebecError("resource_exhausted", `the work queue ${this.#name} is full`, { cause: error });
        last = error;
        await sleep(100 * (attempt + 1), this.#link.signal);
      }
    }
    throw new XebecError("unavailable", `the work queue ${this.#name} cannot be reached`, { cause: last });
  }

  work(handler: (data: Uint8Array) => Promise<void>, { concurrency = 1 }: { concurrency?: number } = {}): Subscription {
    const stop = new AbortController();
    for (let i = 0; i < concurrency; i++)
      this.#worker(handler, stop.signal).catch((error: unknown) => log.error({ err: error }, "a worker ended"));
    return { close: () => stop.abort() };
  }

  async #worker(handler: (data: Uint8Array) => Promise<void>, stop: AbortSignal): Promise<void> {
    const ended = AbortSignal.any([stop, this.#link.signal]);
    while (!ended.aborted) {
      try {
        const message = await this.#pull(ended);
        if (!message) continue;
        let answer = "+ACK";
        try {
          await handler(message.data);
        } catch (error) {
          log.warn({ err: error, queue: this.#name }, "an item of work failed; it is tried again");
          answer = '-NAK {"delay": 200000000}';
        }
        message.respond(answer);
      } catch (error) {
        if (ended.aborted) return;
        log.debug({ err: error, queue: this.#name }, "no work could be fetched");
        await sleep(200, ended);
      }
    }
  }

  /** Asks for one item. @returns undefined when there was none in time */
  async #pull(ended: AbortSignal): Promise<Msg | undefined> {
    const { connection } = await this.#link.ready();
    const inbox = createInbox(inboxOf(this.#link.options.name));
    const request = { batch: 1, expires: PULL_MS * 1_000_000 };
    return new Promise((resolve, reject) => {
      const end = (finish: () => void): void => {
        clearTimeout(timer);
        ended.removeEventListener("abort", stopped);
        subscription.unsubscribe();
        finish();
      };
      const stopped = (): void => end(() => resolve(undefined));
      const timer = setTimeout(stopped, PULL_MS + 500);
      ended.addEventListener("abort", stopped, { once: true });
      const subscription = connection.subscribe(inbox, {
        callback(error, message) {
          const code = message.headers?.code ?? 0;
          if (error || code === 503)
            end(() => reject(error ?? new XebecError("unavailable", "the queue does not exist yet")));
          else if (code !== 0) stopped();
          else end(() => resolve(message));
        },
      });
      connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${workStreamOf(this.#name)}.${WORKERS}`, JSON.stringify(request), {
        reply: inbox,
      });
    });
  }
}
