import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection, nkeyAuthenticator } from "@nats-io/transport-node";
import { sleep } from "@xebec/core-async";
import { withoutUserinfo } from "@xebec/core-config";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { type BusTls, tlsOptionsOf } from "./bus-tls.ts";

export interface LinkOptions {
  readonly servers: readonly string[];
  /** The client's name; its answers arrive under an inbox of that name, which nobody else may listen to. */
  readonly name: string;
  /** nkey seed; absent: no authentication. */
  readonly seed?: string | undefined;
  /** Absent: plaintext. */
  readonly tls?: BusTls | undefined;
}

/** A connection to the server with everything that hangs on it. */
export interface Link {
  readonly connection: NatsConnection;
  readonly stream: JetStreamClient;
  readonly manager: JetStreamManager;
}

/** How long the server may take to answer one request, in milliseconds. What was in flight when it was killed waits this out. */
export const ANSWER_MS = 1_000;

const log = logger("bus");

/** Holds the connection: connects when the server appears, again and again, and reports when it is there (again). */
export class NatsLink {
  readonly options: LinkOptions;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<() => void>();
  #link: Link | undefined;
  #up = false;
  #first: Promise<Link> | undefined;

  constructor(options: LinkOptions) {
    this.options = options;
  }

  get connected(): boolean {
    return this.#up;
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** The link when there was a connection before; operations on it may fail while the server is away. */
  get current(): Link | undefined {
    return this.#link;
  }

  /** Calls `connected` now if there is a connection, and after each connect and reconnect. */
  onConnected(connected: () => void): () => void {
    this.#listeners.add(connected);
    if (this.#up) connected();
    return () => {
      this.#listeners.delete(connected);
    };
  }

  /** Waits for the first connection. @throws XebecError cancelled when the bus is closed before */
  ready(): Promise<Link> {
    this.#first ??= this.#connect();
    return this.#first;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#up = false;
    const { connection } = this.#link ?? {};
    if (connection && !connection.isClosed()) await connection.close();
  }

  async #connect(): Promise<Link> {
    const { name, seed, servers, tls } = this.options;
    for (let attempt = 0; !this.#stop.signal.aborted; attempt++) {
      try {
        const connection = await connect({
          servers: [...servers],
          name,
          inboxPrefix: inboxOf(name),
          // The number of attempts has no limit: a service outlives any outage of its bus.
          maxReconnectAttempts: -1,
          reconnectTimeWait: 100,
          reconnectJitter: 50,
          timeout: 2_000,
          pingInterval: 10_000,
          ignoreAuthErrorAbort: true,
          noAsyncTraces: true,
          ...(tls ? { tls: tlsOptionsOf(tls, servers) } : {}),
          ...(seed === undefined ? {} : { authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)) }),
        });
        if (this.#stop.signal.aborted) {
          await connection.close();
          break;
        }
        this.#link = {
          connection,
          stream: jetstream(connection, { timeout: ANSWER_MS }),
          manager: await jetstreamManager(connection, { checkAPI: false, timeout: ANSWER_MS }),
        };
        this.#follow(connection).catch((error: unknown) => log.error({ err: error }, "the bus link broke"));
        this.#rise();
        return this.#link;
      } catch (error) {
        const shown = { err: error, servers: this.#servers };
        if (attempt === 0) log.warn(shown, "the bus cannot be reached yet; trying again");
        else log.debug(shown, "the bus cannot be reached");
        await sleep(Math.min(100 * (attempt + 1), 1_000), this.#stop.signal);
      }
    }
    throw new XebecError("cancelled", "the bus was closed");
  }

  async #follow(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === "disconnect") {
        this.#up = false;
        log.warn({ servers: this.#servers }, "the bus is down");
      } else if (status.type === "reconnect") {
        log.info({ servers: this.#servers }, "the bus is back");
        this.#rise();
      } else if (status.type === "error") log.warn({ err: status.error }, "the bus refused something");
    }
  }

  /** As they may be logged. */
  get #servers(): readonly string[] {
    return this.options.servers.map(withoutUserinfo);
  }

  #rise(): void {
    this.#up = true;
    for (const listener of [...this.#listeners]) listener();
  }
}

/** The prefix of a client's answers: one word, so that `_INBOX_x.>` is exactly its own. */
export function inboxOf(name: string): string {
  return `_INBOX_${name.replace(/[^\w-]/g, "_")}`;
}
