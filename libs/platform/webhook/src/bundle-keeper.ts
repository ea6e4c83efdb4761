import { Coalescer, sleep } from "@xebec/core-async";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { createMetrics, type Metrics } from "@xebec/core-metrics";
import type { TlsSource } from "@xebec/platform-grpc";
import {
  createReflector,
  isConflict,
  isNotFound,
  type KubeClient,
  type KubeObject,
  type ResourceType,
} from "@xebec/platform-kube";
import { areAmong, bundleOf, certificatesOfBundle, rootsOf } from "./ca-bundle.ts";

const log = logger("webhook");

/** When the keeper does what, in milliseconds. */
export interface KeeperTimes {
  /** A root that the bundle has and the certificate does not need goes after this: another replica may need it. */
  readonly surplusMs: number;
  readonly retryMs: number;
}

export const KEEPER_TIMES: KeeperTimes = { surplusMs: 10 * 60_000, retryMs: 1_000 };

export interface BundleKeeperOptions {
  readonly client: KubeClient;
  /** Mutating or validating webhook configurations. */
  readonly type: ResourceType;
  /** Says whether a webhook of a configuration is this service's. @param object with its name and labels */
  owns(object: Pick<KubeObject, "metadata">, webhook: string): boolean;
  readonly tls: TlsSource;
  readonly metrics?: Metrics;
  readonly times?: Partial<KeeperTimes>;
}

/** What API servers know of a certificate's roots. */
export interface BundleKeeper extends Component {
  /** Whether each webhook that is this service's trusts some roots now. @returns undefined while nobody could look */
  trusts(roots: readonly string[]): boolean | undefined;
  /** Writes roots beside those that are there, before a certificate needs them. */
  add(roots: readonly string[]): void;
  /** Calls `changed` after each look at the configurations. @returns ends the calls */
  onChange(changed: () => void): () => void;
  missing(): readonly string[];
}

interface Webhook {
  readonly name: string;
  readonly roots: readonly string[];
}

interface Configuration {
  readonly name: string;
  readonly version: string;
  /** By their place in the list; undefined for those of others. */
  readonly webhooks: readonly (Webhook | undefined)[];
}

/**
 * Keeps the `caBundle` of this service's webhooks right: at the start, when a certificate has another root, and when somebody changes
 * them. Nothing else of a configuration is touched, so that it belongs to whoever has made it.
 */
export function createBundleKeeper(options: BundleKeeperOptions): BundleKeeper {
  return new Keeper(options);
}

class Keeper implements BundleKeeper {
  readonly name = "webhook configuration";
  readonly #options: BundleKeeperOptions;
  readonly #times: KeeperTimes;
  readonly #reflector;
  readonly #metrics;
  readonly #configurations = new Map<string, Configuration>();
  readonly #listeners = new Set<() => void>();
  /** Since when a configuration has had roots that nobody here needs. */
  readonly #surplus = new Map<string, { readonly roots: string; readonly since: number }>();
  readonly #work = new Coalescer(() => this.#settle());
  readonly #stop = new AbortController();
  #wanted: readonly string[] = [];
  #unwatch: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: BundleKeeperOptions) {
    this.#options = options;
    this.#times = { ...KEEPER_TIMES, ...options.times };
    this.#metrics = patchMetrics(options.metrics ?? createMetrics());
    this.#reflector = createReflector({
      ...{ client: options.client, type: options.type },
      project: (object) => configurationOf(object, options),
      changed: ({ puts, deletes }) => {
        for (const name of deletes) this.#configurations.delete(name);
        for (const [name, each] of puts) this.#configurations.set(name, each);
        this.#changed();
        void this.#work.request();
      },
    });
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#wanted = rootsOf(this.#options.tls.current());
    this.#unwatch = this.#options.tls.onChange(() => {
      this.#wanted = rootsOf(this.#options.tls.current());
      void this.#work.request();
    });
    await this.#reflector.start(signal);
  }

  async close(): Promise<void> {
    this.#unwatch?.();
    clearTimeout(this.#timer);
    this.#stop.abort();
    await this.#reflector.close?.();
    await this.#work.request();
  }

  trusts(roots: readonly string[]): boolean | undefined {
    if (!this.#reflector.synced) return undefined;
    return this.#webhooks().every((each) => areAmong(roots, each.roots));
  }

  add(roots: readonly string[]): void {
    if (areAmong(roots, this.#wanted)) return;
    this.#wanted = [...new Set([...this.#wanted, ...roots])];
    void this.#work.request();
  }

  onChange(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => {
      this.#listeners.delete(changed);
    };
  }

  missing(): readonly string[] {
    const unknown = this.#reflector.missing();
    if (unknown.length > 0) return unknown;
    const wrong = [...this.#configurations.values()].filter(({ webhooks }) =>
      webhooks.some((each) => each && !areAmong(this.#wanted, each.roots)),
    );
    return wrong.map(({ name }) => `the caBundle of ${this.#options.type.kind} ${name} is not written yet`);
  }

  #webhooks(): Webhook[] {
    return [...this.#configurations.values()].flatMap(({ webhooks }) => webhooks.filter((each) => each !== undefined));
  }

  #changed(): void {
    for (const each of [...this.#listeners]) each();
  }

  /** Writes what is not right; tries again a little later where that fails. */
  async #settle(): Promise<void> {
    if (this.#stop.signal.aborted || this.#wanted.length === 0) return;
    let failed = false;
    for (const each of [...this.#configurations.values()]) failed = !(await this.#write(each)) || failed;
    if (!failed || this.#stop.signal.aborted) return;
    await sleep(this.#times.retryMs, this.#stop.signal).catch(() => undefined);
    // Now, without waiting for a change.
    this.#metrics.retries.inc();
    setImmediate(() => void this.#work.request());
  }

  /** @returns false when it has to be tried again */
  async #write({ name, version, webhooks }: Configuration): Promise<boolean> {
    const patches = webhooks.flatMap((webhook, index) => {
      const roots = webhook && this.#rootsFor(`${name}/${index}`, webhook.roots);
      const path = `/webhooks/${index}/clientConfig/caBundle`;
      return roots ? [{ op: "add", path, value: bundleOf(roots) }] : [];
    });
    if (patches.length === 0) return true;
    // Nobody's change in between is lost: the object is read again, and comes back with it.
    const guard = { op: "replace", path: "/metadata/resourceVersion", value: version };
    this.#metrics.attempts.inc({ name });
    try {
      await this.#options.client.patch(this.#options.type, { name }, [guard, ...patches], this.#stop.signal);
      log.info({ configuration: name, webhooks: patches.length }, "the caBundle was written");
      return true;
    } catch (error) {
      if (this.#stop.signal.aborted || isNotFound(error)) return true;
      // Another replica, or whoever owns the rest: the change comes, and is looked at.
      const isRace = isConflict(error);
      this.#metrics.failures.inc({ name, reason: isRace ? "conflict" : "error" });
      const message = "the caBundle cannot be written; it is tried again";
      if (isRace) log.debug({ configuration: name, err: error }, message);
      else log.warn({ configuration: name, err: error }, message);
      return false;
    }
  }

  /** The roots that a bundle should have; undefined when it may stay as it is. */
  #rootsFor(place: string, present: readonly string[]): readonly string[] | undefined {
    const surplus = present.filter((each) => !this.#wanted.includes(each));
    if (!areAmong(this.#wanted, present)) return [...this.#wanted, ...surplus];
    if (surplus.length === 0) {
      this.#surplus.delete(place);
      return undefined;
    }
    const roots = surplus.join("\n");
    const before = this.#surplus.get(place);
    const since = before?.roots === roots ? before.since : Date.now();
    this.#surplus.set(place, { roots, since });
    const left = since + this.#times.surplusMs - Date.now();
    if (left <= 0) return this.#wanted;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#work.request(), left);
    this.#timer.unref();
    return undefined;
  }
}

function configurationOf(object: KubeObject, { owns }: BundleKeeperOptions): Configuration | undefined {
  const list = Array.isArray(object.webhooks) ? (object.webhooks as readonly KubeWebhook[]) : [];
  const webhooks = list.map(({ name, clientConfig }) =>
    owns(object, name) ? { name, roots: certificatesOfBundle(clientConfig?.caBundle) } : undefined,
  );
  if (webhooks.every((each) => each === undefined)) return undefined;
  return { name: object.metadata.name, version: object.metadata.resourceVersion ?? "", webhooks };
}

interface KubeWebhook {
  readonly name: string;
  readonly clientConfig?: { readonly caBundle?: string };
}

/** Istio's (docs/reference/platform.md §3.9). */
function patchMetrics(metrics: Metrics) {
  return {
    attempts: metrics.counter("webhook_patch_attempts_total", "Webhook patching attempts.", ["name"]),
    retries: metrics.counter("webhook_patch_retries_total", "Webhook patching retries."),
    failures: metrics.counter("webhook_patch_failures_total", "Webhook patching failures.", ["name", "reason"]),
  };
}
