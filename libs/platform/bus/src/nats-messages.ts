import {
  errors,
  type Msg,
  headers as makeHeaders,
  type Subscription as NatsSubscription,
  type SubscriptionOptions,
} from "@nats-io/transport-node";
import { CODES, type Code, XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import type { Bus } from "./bus.ts";
import type { NatsLink } from "./nats-link.ts";
import { isPermissionViolation } from "./permission.ts";
import type { Responder, Subscription } from "./subscription.ts";

const log = logger("bus");
/** Header of a response that is an error: its code. The message is the body. */
const ERROR_HEADER = "Xebec-Error";
/** How long `requestAll` waits after a response for another one. */
const STALL_MS = 250;

type Handler = (error: Error | null, message: Msg) => void;

/** Messages and requests over NATS. */
export class NatsMessages implements Pick<Bus, "publish" | "subscribe" | "request" | "requestAll" | "respond"> {
  readonly #link: NatsLink;

  constructor(link: NatsLink) {
    this.#link = link;
  }

  publish(subject: string, data: Uint8Array): void {
    const link = this.#link.current;
    if (!link || !this.#link.connected) {
      log.debug({ subject }, "a message was dropped: the bus is down");
      return;
    }
    link.connection.publish(subject, data);
  }

  subscribe(subject: string, handler: (data: Uint8Array, subject: string) => void): Subscription {
    return this.#listen(subject, (error, message) => {
      if (error) {
        log.error({ err: error, subject }, "the bus refuses a subscription");
        return;
      }
      try {
        handler(message.data, message.subject);
      } catch (thrown) {
        log.error({ err: thrown, subject }, "a handler failed");
      }
    });
  }

  respond(
    subject: string,
    handler: (data: Uint8Array) => Uint8Array | Promise<Uint8Array>,
    { group }: { readonly group?: string } = {},
  ): Responder {
    const answer: Handler = (error, message) => {
      if (error) {
        log.error({ err: error, subject }, "the bus refuses a subscription");
        return;
      }
      void respondTo(subject, message, handler);
    };
    return this.#listen(subject, answer, group === undefined ? {} : { queue: group });
  }

  async request(subject: string, data: Uint8Array, { timeoutMs }: { readonly timeoutMs: number }): Promise<Uint8Array> {
    const link = this.#link.current;
    if (!link || !this.#link.connected) throw new XebecError("unavailable", "the bus is down");
    const most = link.connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
    if (data.length > most)
      throw new XebecError("resource_exhausted", `a request on the bus may have ${most} bytes, not ${data.length}`);
    let message: Msg;
    try {
      message = await link.connection.request(subject, data, { timeout: timeoutMs });
    } catch (thrown) {
      throw (
        requestError(thrown, subject) ??
        (noResponder(thrown)
          ? new XebecError("unavailable", `nobody answers "${subject}" on the bus`, { cause: thrown })
          : new XebecError("deadline_exceeded", `no response to "${subject}" within ${timeoutMs} ms`, {
              cause: thrown,
            }))
      );
    }
    if (message.headers?.get(ERROR_HEADER)) throw errorOf(message);
    return message.data;
  }

  async requestAll(
    subject: string,
    data: Uint8Array,
    { timeoutMs, failed }: { readonly timeoutMs: number; readonly failed?: (error: XebecError) => void },
  ): Promise<Uint8Array[]> {
    const link = this.#link.current;
    if (!link || !this.#link.connected) throw new XebecError("unavailable", "the bus is down");
    const responses: Uint8Array[] = [];
    try {
      const messages = await link.connection.requestMany(subject, data, {
        strategy: "stall",
        stall: Math.min(STALL_MS, timeoutMs),
        maxWait: timeoutMs,
      });
      for await (const message of messages)
        if (message.headers?.get(ERROR_HEADER)) {
          const error = errorOf(message);
          log.warn({ err: error, subject }, "one responder answered a request with an error");
          failed?.(error);
        } else if (message.headers?.code !== 503) responses.push(message.data);
    } catch (thrown) {
      const error = requestError(thrown, subject);
      if (error) throw error;
      log.debug({ err: thrown, subject }, "nobody responded");
    }
    return responses;
  }

  /** Listens now or as soon as there is a connection; the client library listens again after each reconnect. */
  #listen(subject: string, callback: Handler, options: Pick<SubscriptionOptions, "queue"> = {}): Responder {
    let subscription: NatsSubscription | undefined;
    let closed = false;
    const attach = (): void => {
      const link = this.#link.current;
      if (!link || closed || subscription) return;
      subscription = link.connection.subscribe(subject, { ...options, callback });
    };
    const unwatch = this.#link.onConnected(attach);
    const end = (): void => {
      closed = true;
      unwatch();
    };
    return {
      close() {
        end();
        subscription?.unsubscribe();
      },
      async drain() {
        end();
        // Without a connection nothing is on its way.
        await subscription?.drain().catch(() => subscription?.unsubscribe());
      },
    };
  }
}

async function respondTo(
  subject: string,
  message: Msg,
  handler: (data: Uint8Array) => Uint8Array | Promise<Uint8Array>,
): Promise<void> {
  try {
    message.respond(await handler(message.data));
  } catch (thrown) {
    const error = XebecError.from(thrown);
    log.debug({ err: error, subject }, "a request was refused");
    const headers = makeHeaders();
    headers.set(ERROR_HEADER, error.code);
    message.respond(Buffer.from(error.message), { headers });
  }
}

function errorOf(message: Msg): XebecError {
  const code = message.headers?.get(ERROR_HEADER) ?? "";
  return new XebecError(Object.hasOwn(CODES, code) ? (code as Code) : "unknown", message.string());
}

function noResponder(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof errors.NoRespondersError) return true;
  return false;
}

/** @returns undefined when nobody responded, or not in time: then there are no responses, which is not an error */
function requestError(error: unknown, subject: string): XebecError | undefined {
  return isPermissionViolation(error)
    ? new XebecError("permission_denied", `this service may not send requests to "${subject}" on the bus`, {
        cause: error,
      })
    : undefined;
}
