import { readFile } from "node:fs/promises";
import { addressText, type HostPort } from "@xebec/core-config";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { Metrics } from "@xebec/core-metrics";
import { writeFileAtomic } from "@xebec/platform-files";
import { answerFrom } from "./answer.ts";
import { DnsServer } from "./dns-server.ts";
import { type NameTable, readNameTable, type Viewpoint } from "./name-table.ts";
import { followNameTable, type NameTableSource } from "./name-table-client.ts";
import { parseResolvConf, type ResolvConf } from "./resolv-conf.ts";
import { Upstream } from "./upstream.ts";

export interface DnsProxyOptions extends NameTableSource {
  /** Where it listens, by UDP and TCP. */
  readonly addresses: readonly HostPort[];
  /** The resolver's configuration: `/etc/resolv.conf`. */
  readonly resolvConf: string;
  readonly viewpoint: Omit<Viewpoint, "search">;
  /** Asks all upstream resolvers at once. */
  readonly parallel: boolean;
  /** How long one upstream resolver may take, in milliseconds (2,000). */
  readonly upstreamMs?: number;
  /** Keeps the last table for the next process: names are found while pilot is away. */
  readonly stateFile: string;
  readonly metrics: Metrics;
}

const UPSTREAM_MS = 2_000;
/** How many questions may wait for upstream resolvers. Each has a socket. */
const MOST_WAITING = 500;
const SECONDS = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];

const log = logger("dns");

/**
 * Answers the names of the mesh, and hands all others on. It starts before it has a table, and answers nothing until then, unless an
 * earlier process has left one.
 */
export function createDnsProxy(options: DnsProxyOptions): Component {
  return new DnsProxy(options);
}

class DnsProxy implements Component {
  readonly name = "DNS proxy";
  readonly #options: DnsProxyOptions;
  readonly #metrics;
  readonly #stop = new AbortController();
  #servers: readonly DnsServer[] = [];
  #upstream: Upstream | undefined;
  #search: readonly string[] = [];
  #table: NameTable | undefined;
  #error = "pilot was not asked yet";
  #following: Promise<void> | undefined;
  /** Writes of the state, one after the other. */
  #writing: Promise<void> = Promise.resolve();

  constructor(options: DnsProxyOptions) {
    this.#options = options;
    const { metrics } = options;
    this.#metrics = {
      requests: metrics.counter("istio_agent_dns_requests_total", "Questions to the DNS proxy."),
      upstream: metrics.counter("istio_agent_dns_upstream_requests_total", "Questions handed on to other resolvers."),
      failures: metrics.counter(
        "istio_agent_dns_upstream_failures_total",
        "Questions that no other resolver answered.",
      ),
      seconds: metrics.histogram(
        "istio_agent_dns_upstream_request_duration_seconds",
        "How long other resolvers took, in seconds.",
        SECONDS,
      ),
    };
  }

  async start(): Promise<void> {
    const { addresses, parallel, upstreamMs: timeoutMs = UPSTREAM_MS } = this.#options;
    const { servers, search } = await this.#resolvConf();
    // A configuration that leads to this proxy itself would ask in circles.
    const own = new Set(addresses.map(addressText));
    const others = servers.filter((each) => !own.has(addressText(each)));
    this.#search = search;
    this.#upstream = new Upstream({
      ...{ servers: others, parallel, timeoutMs, mostWaiting: MOST_WAITING },
    });
    await this.#restore();
    const started: DnsServer[] = [];
    this.#servers = started;
    for (const address of addresses) {
      const server = new DnsServer(address, (query, udp) => this.#answer(query, udp));
      started.push(server);
      await server.start();
    }
    log.info({ addresses: [...own], upstream: others.map(addressText) }, "the DNS proxy answers");
    this.#following = followNameTable(
      this.#options,
      (bytes) => this.#take(bytes),
      (error) => {
        this.#error = error.message;
      },
      this.#stop.signal,
    );
  }

  missing(): readonly string[] {
    return this.#table ? [] : [`DNS: the table of names has not come from pilot yet: ${this.#error}`];
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#servers.map((each) => each.close()));
    await this.#following;
    await this.#writing;
  }

  #take(bytes: Uint8Array): void {
    this.#table = readNameTable(bytes, { ...this.#options.viewpoint, search: this.#search });
    log.debug({ names: this.#table.size }, "a table of names has come");
    const { stateFile } = this.#options;
    this.#writing = this.#writing
      .then(() => writeFileAtomic(stateFile, bytes, { sync: false }))
      .catch((error: unknown) => log.warn({ err: error }, "the table of names cannot be kept for the next start"));
  }

  async #restore(): Promise<void> {
    const { stateFile, viewpoint } = this.#options;
    try {
      this.#table = readNameTable(await readFile(stateFile), { ...viewpoint, search: this.#search });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT")
        log.warn({ err: error }, "the table of names of an earlier process cannot be read");
    }
  }

  async #resolvConf(): Promise<ResolvConf> {
    const { resolvConf } = this.#options;
    try {
      return parseResolvConf(await readFile(resolvConf, "utf8"));
    } catch (error) {
      throw new XebecError("failed_precondition", `${resolvConf} cannot be read`, { cause: error });
    }
  }

  #answer(query: Buffer, udp: boolean): Promise<Buffer> | Buffer | undefined {
    this.#metrics.requests.inc();
    const verdict = answerFrom(this.#table, query, udp);
    switch (verdict.what) {
      case "answer":
        return verdict.bytes;
      case "drop":
        return undefined;
      case "forward":
        return this.#forward(query, udp);
    }
  }

  async #forward(query: Buffer, udp: boolean): Promise<Buffer> {
    const { upstream, failures, seconds } = this.#metrics;
    upstream.inc();
    const stop = seconds.startTimer();
    const answer = await (this.#upstream as Upstream).ask(query, udp);
    stop();
    if (answer.failed) failures.inc();
    return answer.bytes;
  }
}
