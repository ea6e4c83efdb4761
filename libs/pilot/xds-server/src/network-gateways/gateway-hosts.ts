import { Coalescer } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { HostAddressChange, HostAddresses } from "@xebec/pilot-snapshot";
import { resolveHost } from "@xebec/platform-dns/resolve";
import { type KnownAddresses, readAddresses, writeAddresses } from "./address-file.ts";

const log = logger("networks");
/** Most hosts that are looked up at a time. */
const AT_A_TIME = 8;
/** Most hosts that are looked up at all. */
const MOST_HOSTS = 256;
const NO_ADDRESSES: readonly string[] = [];

/** When a host is looked up again, in milliseconds. */
export interface LookUpTimes {
  /** The shortest time for which an answer holds, whatever DNS says: each change of an address is sent to proxies. */
  readonly minTtlMs: number;
  readonly maxTtlMs: number;
  /** After a first failure; after each further one twice as long, up to the shortest time of an answer. */
  readonly retryMs: number;
  /** How long one DNS server may take. */
  readonly timeoutMs: number;
}

/** Istio's (docs/reference/pilot.md §1.9), but for the pause after a failure. */
const TIMES: LookUpTimes = { minTtlMs: 30_000, maxTtlMs: 3_600_000, retryMs: 1_000, timeoutMs: 1_000 };

export interface GatewayHostsOptions {
  readonly times?: LookUpTimes;
  /** DNS servers; by default those of this machine. */
  readonly servers?: readonly string[];
  /** Keeps the last addresses for a restart. */
  readonly cacheFile?: string | undefined;
  /** Gets what became another one. */
  onChange(change: HostAddressChange): void;
}

/** Looks up the hosts by which gateways of networks are known, and looks them up again. It owns their addresses; the snapshot has a copy. */
export interface GatewayHosts extends Component {
  /**
   * Looks up these hosts from now on, and no others.
   * @returns undefined when nothing is to be waited for; else a promise that resolves when each new one was tried once, or after
   *   `limitMs`: then what is late comes by `onChange`
   */
  keep(hosts: readonly string[], limitMs: number): Promise<void> | undefined;
}

export function createGatewayHosts(options: GatewayHostsOptions): GatewayHosts {
  return new LookedUpHosts(options);
}

interface Entry {
  readonly host: string;
  known: HostAddresses;
  failures: number;
  timer: NodeJS.Timeout | undefined;
  /** The first attempt. */
  readonly first: Promise<void>;
  tried(): void;
}

class LookedUpHosts implements GatewayHosts {
  readonly name = "network gateways";
  readonly #options: GatewayHostsOptions;
  readonly #times: LookUpTimes;
  readonly #entries = new Map<string, Entry>();
  readonly #waiting: Entry[] = [];
  readonly #stop = new AbortController();
  readonly #keeping = new Coalescer(() => this.#keep());
  /** What an earlier process knew. */
  #kept: KnownAddresses = new Map();
  #active = 0;

  constructor(options: GatewayHostsOptions) {
    this.#options = options;
    this.#times = options.times ?? TIMES;
  }

  async start(): Promise<void> {
    const { cacheFile } = this.#options;
    if (cacheFile) this.#kept = await readAddresses(cacheFile);
  }

  keep(hosts: readonly string[], limitMs: number): Promise<void> | undefined {
    const wanted = new Set(hosts);
    const gone = [...this.#entries.values()].filter(({ host }) => !wanted.has(host));
    for (const each of gone) this.#forget(each);
    if (gone.length > 0) this.#options.onChange(new Map(gone.map(({ host }) => [host, undefined])));
    const added = [...wanted].filter((host) => !this.#entries.has(host)).map((host) => this.#add(host));
    if (added.length === 0) return undefined;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limitMs);
    });
    return Promise.race([Promise.all(added), late]).then(() => clearTimeout(timer));
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#keeping.request();
    for (const each of this.#entries.values()) this.#forget(each);
  }

  /** @returns the first attempt */
  #add(host: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const known = { addresses: NO_ADDRESSES, problem: "" };
    const entry: Entry = { host, known, failures: 0, timer: undefined, first: promise, tried: resolve };
    const isOneTooMany = this.#entries.size >= MOST_HOSTS;
    this.#entries.set(host, entry);
    if (isOneTooMany) {
      this.#take(entry, { ...known, problem: `${host}: only ${MOST_HOSTS} hosts of gateways are looked up` });
      resolve();
    } else {
      // Until it is looked up; and for as long as DNS does not answer.
      const addresses = this.#kept.get(host);
      if (addresses) this.#take(entry, { addresses, problem: "" });
      this.#enqueue(entry);
    }
    return promise;
  }

  #forget(entry: Entry): void {
    clearTimeout(entry.timer);
    this.#entries.delete(entry.host);
    entry.tried();
  }

  #enqueue(entry: Entry): void {
    this.#waiting.push(entry);
    this.#next();
  }

  #next(): void {
    while (this.#active < AT_A_TIME) {
      const entry = this.#waiting.shift();
      if (!entry) return;
      if (!this.#isWanted(entry)) continue;
      this.#active++;
      void this.#lookUp(entry).finally(() => {
        this.#active--;
        this.#next();
      });
    }
  }

  async #lookUp(entry: Entry): Promise<void> {
    const { minTtlMs, maxTtlMs, retryMs, timeoutMs } = this.#times;
    const { servers } = this.#options;
    let pause: number;
    try {
      const { signal } = this.#stop;
      const { addresses, ttlMs } = await resolveHost(entry.host, {
        timeoutMs,
        signal,
        ...(servers ? { servers } : {}),
      });
      entry.failures = 0;
      pause = Math.min(Math.max(ttlMs, minTtlMs), maxTtlMs);
      this.#take(entry, { addresses, problem: "" });
      if (this.#kept.get(entry.host)?.join() !== addresses.join()) void this.#keeping.request();
    } catch (error) {
      pause = Math.min(retryMs * 2 ** entry.failures, minTtlMs);
      entry.failures++;
      this.#take(entry, { ...entry.known, problem: XebecError.from(error).message });
    }
    entry.tried();
    if (this.#isWanted(entry)) entry.timer = setTimeout(() => this.#enqueue(entry), pause).unref();
  }

  #take(entry: Entry, known: HostAddresses): void {
    const before = entry.known;
    entry.known = known;
    if (!this.#isWanted(entry)) return;
    if (known.problem && known.problem !== before.problem)
      log.warn({ problem: known.problem, addresses: known.addresses }, "a gateway's host cannot be looked up");
    if (known.problem !== before.problem || known.addresses.join() !== before.addresses.join())
      this.#options.onChange(new Map([[entry.host, known]]));
  }

  async #keep(): Promise<void> {
    const { cacheFile } = this.#options;
    const known = [...this.#entries.values()].filter(({ known }) => known.addresses.length > 0);
    if (cacheFile && known.length > 0)
      await writeAddresses(cacheFile, new Map(known.map((each) => [each.host, each.known.addresses])));
  }

  #isWanted(entry: Entry): boolean {
    return this.#entries.get(entry.host) === entry && !this.#stop.signal.aborted;
  }
}
