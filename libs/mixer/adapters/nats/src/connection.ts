import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { JetStreamClient } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { type HandlerLimits, RejectedError } from "@xebec/mixer-sdk";
import type { NatsParams } from "./info.ts";

/** A message on its way. */
export interface Message {
  readonly subject: string;
  readonly data: string;
  /** With it a stream knows a message that came before. */
  readonly id: string;
}

const CONNECT_MS = 5_000;
const DEFAULT_PORT = "4222";

/** A connection to NATS that is made when it is needed, and again after each failure. */
export class NatsSink {
  readonly #params: NatsParams;
  readonly #limits: HandlerLimits;
  #open: { readonly connection: NatsConnection; readonly stream: JetStreamClient } | undefined;

  constructor(params: NatsParams, limits: HandlerLimits) {
    this.#params = params;
    this.#limits = limits;
  }

  /** @throws Error when a message is not acknowledged */
  async send(messages: readonly Message[]): Promise<void> {
    const { connection, stream } = await this.#connected();
    try {
      if (this.#params.jetstream) {
        const { headers } = await import("@nats-io/transport-node");
        await Promise.all(
          messages.map(async ({ subject, data, id }) => {
            const head = headers();
            head.set("Nats-Msg-Id", id);
            await stream.publish(subject, data, { headers: head, timeout: CONNECT_MS });
          }),
        );
      } else {
        for (const { subject, data } of messages) connection.publish(subject, data);
        await connection.flush();
      }
    } catch (error) {
      if ((error as Error).name === "PermissionViolationError")
        throw new RejectedError(`NATS refuses: ${(error as Error).message}`);
      throw error;
    }
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.connection.close();
  }

  async #connected(): Promise<{ readonly connection: NatsConnection; readonly stream: JetStreamClient }> {
    if (this.#open && !this.#open.connection.isClosed()) return this.#open;
    const [{ connect }, { jetstream }] = await Promise.all([
      import("@nats-io/transport-node"),
      import("@nats-io/jetstream"),
    ]);
    const { servers = [], user = "", password = "", token = "" } = this.#params;
    const connection = await connect({
      servers: await Promise.all(servers.map((each) => this.#checked(each))),
      name: "mixer",
      // Servers that others name would not be checked.
      ignoreClusterUpdates: true,
      reconnect: false,
      timeout: CONNECT_MS,
      ...(user === "" ? {} : { user, pass: password }),
      ...(token === "" ? {} : { token }),
      ...(servers.some((each) => each.startsWith("tls:")) ? { tls: {} } : {}),
    });
    this.#open = { connection, stream: jetstream(connection) };
    return this.#open;
  }

  /** @returns the server by its address, which may be called @throws Error when none may */
  async #checked(server: string): Promise<string> {
    const url = new URL(server);
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const addresses = isIP(host) === 0 ? (await lookup(host, { all: true })).map((each) => each.address) : [host];
    const refusals = addresses.map((each) => this.#limits.addressRefusal(each));
    const at = refusals.indexOf(undefined);
    if (at < 0) throw new Error(`${host} may not be called: ${refusals.join(", ")}`);
    // Over TLS the name is what the server proves.
    const to = url.protocol === "tls:" ? host : (addresses[at] as string);
    return `${isIP(to) === 6 ? `[${to}]` : to}:${url.port || DEFAULT_PORT}`;
  }
}
