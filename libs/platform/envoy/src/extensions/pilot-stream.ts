import { backoff } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { type ChannelTarget, createGrpcChannel, type GrpcChannel } from "@xebec/platform-grpc";
import type { EnvoyNode } from "../node.ts";
import { DELTA_METHOD, DELTA_REQUEST, encodedNode, status } from "./pilot-messages.ts";
import { field, fieldsOf, textAt, valueAt } from "./wire.ts";

const log = logger("xds");
const RETRY = { baseMs: 100, maxMs: 5_000 };
const RESPONSE = { resources: 2, nonce: 5, removed: 6 };
const RESOURCE = { version: 1, any: 2, name: 3 };
const ANY_VALUE = 2;

/** A resource as pilot sends it. */
export interface PilotResource {
  readonly name: string;
  readonly version: string;
  /** The encoded message. */
  readonly value: Uint8Array;
}

export interface PilotUpdate {
  readonly resources: readonly PilotResource[];
  /** Names of resources that there are no more. */
  readonly removed: readonly string[];
}

export interface PilotStreamOptions {
  readonly target: ChannelTarget;
  readonly node: EnvoyNode;
  /** Of the one type that is asked for. */
  readonly typeUrl: string;
  /** Takes an update. @returns why it is refused, in words for whoever wrote the objects behind it; undefined accepts it */
  take(update: PilotUpdate): Promise<string | undefined>;
}

/**
 * An agent's own stream to pilot for resources of one type by their names, beside that of its Envoy (incremental xDS). It is open while
 * names are wanted, and opened again when it is lost.
 */
export class PilotStream {
  readonly #options: PilotStreamOptions;
  readonly #wanted = new Set<string>();
  #channel: GrpcChannel | undefined;
  #stream: ReturnType<GrpcChannel["duplex"]> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #closed = false;

  constructor(options: PilotStreamOptions) {
    this.#options = options;
  }

  want(names: readonly string[]): void {
    const added = names.filter((name) => !this.#wanted.has(name));
    for (const name of added) this.#wanted.add(name);
    if (added.length === 0) return;
    if (this.#stream) this.#send({ subscribe: added });
    else if (!this.#timer) this.#open();
  }

  forget(names: readonly string[]): void {
    const gone = names.filter((name) => this.#wanted.delete(name));
    if (gone.length === 0 || !this.#stream) return;
    if (this.#wanted.size > 0) this.#send({ unsubscribe: gone });
    else this.#end();
  }

  /** Asks for everything again, as after a lost connection. */
  again(): void {
    if (!this.#stream) return;
    this.#end();
    this.#open();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#end();
    this.#channel?.close();
  }

  #end(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.cancel();
  }

  #open(): void {
    this.#timer = undefined;
    if (this.#closed || this.#wanted.size === 0) return;
    this.#channel ??= createGrpcChannel(this.#options.target);
    const stream = this.#channel.duplex(DELTA_METHOD);
    this.#stream = stream;
    stream.onEnd((error) => {
      if (this.#stream !== stream) return;
      this.#stream = undefined;
      log.warn({ err: error, type: this.#options.typeUrl }, "the stream to pilot ended; it is opened again");
      this.#timer = setTimeout(() => this.#open(), backoff(this.#failures++, RETRY)).unref();
    });
    // One update after the other.
    let turn = Promise.resolve();
    stream.onMessage((bytes) => {
      this.#failures = 0;
      turn = turn.then(async () => {
        if (this.#stream === stream) await this.#answer(stream, bytes);
      });
    });
    this.#send({ node: true, subscribe: [...this.#wanted] });
  }

  async #answer(stream: unknown, bytes: Uint8Array): Promise<void> {
    let nonce = "";
    let error: string | undefined;
    try {
      nonce = textAt(bytes, RESPONSE.nonce);
      error = await this.#options.take(updateOf(bytes));
    } catch (cause) {
      error = XebecError.from(cause).message;
    }
    if (this.#stream === stream) this.#send({ nonce, error });
  }

  #send(request: {
    readonly node?: boolean;
    readonly subscribe?: readonly string[];
    readonly unsubscribe?: readonly string[];
    readonly nonce?: string;
    readonly error?: string | undefined;
  }): void {
    const { node, subscribe = [], unsubscribe = [], nonce, error } = request;
    this.#stream?.write(
      Buffer.concat([
        ...(node ? [field(DELTA_REQUEST.node, encodedNode(this.#options.node))] : []),
        field(DELTA_REQUEST.typeUrl, this.#options.typeUrl),
        ...subscribe.map((name) => field(DELTA_REQUEST.subscribe, name)),
        ...unsubscribe.map((name) => field(DELTA_REQUEST.unsubscribe, name)),
        ...(nonce ? [field(DELTA_REQUEST.nonce, nonce)] : []),
        ...(error === undefined ? [] : [field(DELTA_REQUEST.error, status(error))]),
      ]),
    );
  }
}

function updateOf(bytes: Uint8Array): PilotUpdate {
  const all = fieldsOf(bytes);
  return {
    resources: all
      .filter(({ number }) => number === RESPONSE.resources)
      .map(({ value }) => ({
        name: textAt(value, RESOURCE.name),
        version: textAt(value, RESOURCE.version),
        value: valueAt(value, RESOURCE.any, ANY_VALUE) ?? new Uint8Array(),
      })),
    removed: all.filter(({ number }) => number === RESPONSE.removed).map(({ value }) => Buffer.from(value).toString()),
  };
}
