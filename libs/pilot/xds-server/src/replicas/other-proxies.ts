import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { decodeProxies, encodeProxies, SUBJECTS } from "@xebec/model-bus";
import type { Bus, Subscription } from "@xebec/platform-bus";
import { configDump } from "../debug/config-dump.ts";
import type { DebugSource, OtherDump, OtherProxies } from "../debug/debug-source.ts";
import { connectionOf } from "../debug/proxy-lookup.ts";
import { type SyncStatus, syncStatus } from "../debug/sync-status.ts";
import type { Replicas } from "./replicas.ts";

const compress = promisify(gzip);
const decompress = promisify(gunzip);
const ANSWER_MS = 2_000;
/** A message of the bus has at most 1 MiB. */
const MAX_MESSAGE = 1_000_000;
const MAX_DUMP = 512 << 20;
const MAX_ID = 1_024;
const NOTHING = new Uint8Array();

/** Answers the bus requests `proxies` and `pilot.dump` for this copy's proxies, and asks the others for theirs. */
export class BusProxies implements OtherProxies, Component {
  readonly name = "proxies";
  readonly #bus: Bus;
  readonly #replicas: Replicas;
  readonly #server: DebugSource;
  readonly #subscriptions: Subscription[] = [];

  constructor(bus: Bus, replicas: Replicas, server: DebugSource) {
    this.#bus = bus;
    this.#replicas = replicas;
    this.#server = server;
  }

  async start(): Promise<void> {
    const { id: replica } = this.#replicas;
    this.#subscriptions.push(
      this.#bus.respond(SUBJECTS.proxies, () =>
        encodeProxies([...this.#server.connections].map((each) => ({ ...syncStatus(each), replica }))),
      ),
      this.#bus.respond(SUBJECTS.dump, (id) => this.#own(Buffer.from(id).toString().slice(0, MAX_ID))),
    );
  }

  async close(): Promise<void> {
    for (const each of this.#subscriptions.splice(0)) each.close();
  }

  async statuses(): Promise<readonly SyncStatus[]> {
    const answers = await this.#ask(SUBJECTS.proxies, NOTHING);
    const all = (await Promise.all(answers.map(decodeProxies))).flat() as SyncStatus[];
    return all.filter(({ replica }) => replica !== undefined && replica !== this.#replicas.id);
  }

  async dump(id: string): Promise<OtherDump | undefined> {
    const answers = await this.#ask(SUBJECTS.dump, Buffer.from(id.slice(0, MAX_ID)));
    const [found] = answers.filter(({ length }) => length > 0);
    if (!found) return undefined;
    const text = await decompress(found, { maxOutputLength: MAX_DUMP });
    return JSON.parse(text.toString("utf8")) as OtherDump;
  }

  async #ask(subject: string, data: Uint8Array): Promise<Uint8Array[]> {
    if (this.#replicas.others.length === 0 || !this.#bus.connected) return [];
    let failure: XebecError | undefined;
    const failed = (error: XebecError): void => {
      failure = error;
    };
    const answers = await this.#bus.requestAll(subject, data, { timeoutMs: ANSWER_MS, failed });
    if (failure && answers.every(({ length }) => length === 0)) throw failure;
    return answers;
  }

  /** The answer of this copy; empty for a proxy that is not its own. */
  async #own(id: string): Promise<Uint8Array> {
    const connection = connectionOf(this.#server, id);
    if (!connection) return NOTHING;
    const { configs } = await configDump(connection, [], false);
    const answer: OtherDump = { namespace: connection.proxy.namespace, configs };
    const bytes = await compress(JSON.stringify(answer));
    if (bytes.length > MAX_MESSAGE)
      throw new XebecError(
        "resource_exhausted",
        `the configuration of ${id} is too large to be handed on; ask the pilot that it is connected to, ${this.#replicas.id}`,
      );
    return bytes;
  }
}
