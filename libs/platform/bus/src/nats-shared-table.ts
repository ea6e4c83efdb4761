import { JetStreamApiError } from "@nats-io/jetstream";
import { type Msg, headers as makeHeaders } from "@nats-io/transport-node";
import { XebecError } from "@xebec/core-errors";
import { streamOf, valueSubject } from "./bucket-names.ts";
import { readEntry } from "./entry.ts";
import { checkKey } from "./key-codec.ts";
import { ANSWER_MS, type Link, type NatsLink } from "./nats-link.ts";
import { permissionError } from "./permission.ts";
import type { SharedEntry, SharedTable } from "./shared-table.ts";

/** JetStream's error for a write that does not follow the last one. */
const WRONG_LAST_SEQUENCE = 10071;

/** A table in a bucket on the server. A revision is the sequence number of the entry's message. */
export class NatsSharedTable implements SharedTable {
  readonly #link: NatsLink;
  readonly #bucket: string;

  constructor(link: NatsLink, bucket: string) {
    this.#link = link;
    this.#bucket = bucket;
  }

  async get(key: string): Promise<SharedEntry | undefined> {
    const { connection } = await this.#connected();
    const subject = `$JS.API.DIRECT.GET.${streamOf(this.#bucket)}.${this.#subject(key)}`;
    let message: Msg;
    try {
      message = await connection.request(subject, "", { timeout: ANSWER_MS });
    } catch (error) {
      throw this.#error(error, "read");
    }
    const entry = message.headers?.code ? undefined : readEntry(message, this.#bucket);
    return entry && { value: entry.data, revision: entry.sequence };
  }

  async put(key: string, value: Uint8Array, revision: number, ttlMs: number): Promise<number | undefined> {
    const { stream } = await this.#connected();
    const headers = makeHeaders();
    headers.set("Nats-TTL", `${Math.max(1, Math.ceil(ttlMs / 1000))}s`);
    try {
      const options = { headers, timeout: ANSWER_MS, retries: 0, expect: { lastSubjectSequence: revision } };
      return (await stream.publish(this.#subject(key), value, options)).seq;
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === WRONG_LAST_SEQUENCE) return undefined;
      throw this.#error(error, "write");
    }
  }

  #subject(key: string): string {
    checkKey(key);
    return valueSubject(this.#bucket, key);
  }

  async #connected(): Promise<Link> {
    if (!this.#link.connected) throw new XebecError("unavailable", "the bus is down");
    return this.#link.ready();
  }

  #error(error: unknown, what: "read" | "write"): XebecError {
    const text = `the table "${this.#bucket}" of the bus cannot be ${what === "read" ? "read" : "written"}`;
    return permissionError(error, this.#bucket, what) ?? new XebecError("unavailable", text, { cause: error });
  }
}
