import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import { blockingQuery } from "./blocking-query.ts";
import { ConsulApi } from "./consul-api.ts";
import { type ConsulInstance, type HealthEntry, instancesOf } from "./instance.ts";

const log = logger("consul");
/** Most services: each is a query of its own that waits at the agent. */
const MAX_SERVICES = 5_000;

export interface ConsulOptions {
  /** `http://127.0.0.1:8500`. */
  readonly server: string;
  readonly token?: string | undefined;
}

/** Services whose instances changed, by name; no instances for one that is gone. */
export type ConsulChange = ReadonlyMap<string, readonly ConsulInstance[]>;

/** The services of a Consul agent. */
export interface ConsulCatalog {
  /** Begins; reports everything first, when it was read once, then each change. */
  start(report: (change: ConsulChange) => void, signal: AbortSignal): Promise<void>;
  missing(): readonly string[];
  close(): Promise<void>;
}

/** @throws XebecError invalid_argument for a server that is no URL */
export function createConsulCatalog(options: ConsulOptions): ConsulCatalog {
  if (!URL.canParse(options.server) || !/^https?:$/.test(new URL(options.server).protocol))
    throw new XebecError("invalid_argument", `"${options.server}" is not a Consul server; write http://HOST:8500`);
  return new Catalog(options);
}

interface Followed {
  readonly end: AbortController;
  readonly running: Promise<void>;
  /** As it was reported, as text. */
  reported: string;
  instances: readonly ConsulInstance[] | undefined;
}

class Catalog implements ConsulCatalog {
  readonly #api: ConsulApi;
  readonly #server: string;
  readonly #stop = new AbortController();
  readonly #services = new Map<string, Followed>();
  #report: ((change: ConsulChange) => void) | undefined;
  #running: Promise<void> | undefined;
  #isListed = false;
  #isWhole = false;
  #problem: string | undefined;

  constructor({ server, token }: ConsulOptions) {
    this.#api = new ConsulApi(server, token);
    this.#server = server;
  }

  missing(): readonly string[] {
    if (this.#isWhole) return [];
    return [`the services of Consul at ${this.#server} are not read yet${this.#problem ? `: ${this.#problem}` : ""}`];
  }

  async start(report: (change: ConsulChange) => void, signal: AbortSignal): Promise<void> {
    this.#report = report;
    const running = AbortSignal.any([signal, this.#stop.signal]);
    this.#running = blockingQuery(
      this.#api,
      "/v1/catalog/services",
      (body) => this.#listed(Object.keys((body ?? {}) as object), running),
      (problem) => {
        this.#problem = problem;
      },
      running,
    );
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all([this.#running, ...[...this.#services.values()].map(({ running }) => running)]);
    this.#api.close();
  }

  #listed(names: readonly string[], signal: AbortSignal): void {
    if (names.length > MAX_SERVICES)
      log.error({ services: names.length, most: MAX_SERVICES }, "Consul has too many services; some are left out");
    const kept = new Set(names.toSorted().slice(0, MAX_SERVICES));
    const gone = new Map<string, readonly ConsulInstance[]>();
    for (const [name, { end, reported }] of this.#services)
      if (!kept.has(name)) {
        end.abort();
        this.#services.delete(name);
        if (reported !== "") gone.set(name, []);
      }
    for (const name of kept) if (!this.#services.has(name)) this.#follow(name, signal);
    this.#isListed = true;
    if (gone.size > 0 && this.#isWhole) this.#report?.(gone);
    this.#settle();
  }

  #follow(name: string, signal: AbortSignal): void {
    const end = new AbortController();
    const followed: Followed = {
      ...{ end, reported: "", instances: undefined },
      running: blockingQuery(
        this.#api,
        `/v1/health/service/${encodeURIComponent(name)}`,
        (body) => {
          followed.instances = instancesOf((body ?? []) as readonly HealthEntry[]);
          this.#settle(name);
        },
        (problem) => {
          this.#problem = problem;
        },
        AbortSignal.any([signal, end.signal]),
      ),
    };
    this.#services.set(name, followed);
  }

  /** Reports what is another one than before; everything at once when it was read for the first time. */
  #settle(name?: string): void {
    if (!this.#isWhole) {
      if (!this.#isListed || [...this.#services.values()].some(({ instances }) => instances === undefined)) return;
      this.#isWhole = true;
      this.#report?.(new Map([...this.#services].map(([each, followed]) => [each, this.#reported(followed)])));
      return;
    }
    const followed = name === undefined ? undefined : this.#services.get(name);
    if (!followed?.instances || JSON.stringify(followed.instances) === followed.reported) return;
    this.#report?.(new Map([[name as string, this.#reported(followed)]]));
  }

  #reported(followed: Followed): readonly ConsulInstance[] {
    const instances = followed.instances ?? [];
    followed.reported = JSON.stringify(instances);
    return instances;
  }
}
