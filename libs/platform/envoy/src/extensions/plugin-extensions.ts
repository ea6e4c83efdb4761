import { createHash } from "node:crypto";
import { backoff } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import type { SdsResource } from "../sds-messages.ts";
import { checkModule, type ModuleStore } from "./module-store.ts";
import type { PilotResource, PilotUpdate } from "./pilot-stream.ts";
import {
  type LocalPlugin,
  localPluginOf,
  type RemotePlugin,
  remotePluginOf,
  withModule,
  withoutModule,
} from "./plugin-messages.ts";

const log = logger("wasm");
const RETRY = { baseMs: 2_000, maxMs: 60_000 };
/** Most plugins of a proxy. */
const MOST_PLUGINS = 100;

interface Plugin {
  /** What pilot has, while it has something. */
  wanted?: PilotResource;
  /** What Envoy gets. */
  served?: SdsResource;
  /** The file of what Envoy gets. */
  file?: string;
  /** What Envoy gets is no plugin: what stands in for one, or what pilot has for one that is gone. */
  isFallback: boolean;
  failures: number;
  timer?: NodeJS.Timeout;
}

export interface PluginExtensionsOptions {
  readonly store: ModuleStore;
  /** Asks pilot for configurations, or not any more. */
  readonly pilot: { want(names: readonly string[]): void; forget(names: readonly string[]): void; again(): void };
  /** Counts fetches, by how they end. */
  readonly fetches?: { inc(labels: { readonly result: "success" | "failure" }): void };
}

/**
 * The configurations of plugins: pilot's, with a file in the place of the URL of a module that the agent fetches. Of a file of the
 * container it sees whether it is there: with one that is not, Envoy would reject whole listeners. While there is no module,
 * the last one that worked stays, with its configuration; without one, what the plugin's failStrategy says stands in for it, and the
 * fetch is tried again.
 */
export class PluginExtensions {
  readonly #options: PluginExtensionsOptions;
  readonly #plugins = new Map<string, Plugin>();
  readonly #users = new Map<string, number>();
  readonly #listeners = new Set<() => void>();

  constructor(options: PluginExtensionsOptions) {
    this.#options = options;
  }

  /** Begins to look after a name. @returns false when there are too many */
  want(name: string): boolean {
    const users = this.#users.get(name) ?? 0;
    if (users === 0 && this.#users.size >= MOST_PLUGINS) return false;
    this.#users.set(name, users + 1);
    if (users === 0) this.#options.pilot.want([name]);
    return true;
  }

  /** Ends that. */
  forget(name: string): void {
    const users = this.#users.get(name) ?? 0;
    if (users > 1) {
      this.#users.set(name, users - 1);
      return;
    }
    this.#users.delete(name);
    clearTimeout(this.#plugins.get(name)?.timer);
    this.#plugins.delete(name);
    this.#options.pilot.forget([name]);
    void this.#clean();
  }

  /** @returns undefined while nothing is known of it */
  get(name: string): SdsResource | undefined {
    return this.#plugins.get(name)?.served;
  }

  onChange(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => {
      this.#listeners.delete(changed);
    };
  }

  /** Takes what pilot says. @returns which modules cannot be had, and why */
  async take({ resources }: PilotUpdate): Promise<string | undefined> {
    // What pilot takes back, Envoy is about to stop asking for; until then it has what it had.
    const errors = await Promise.all(
      resources
        .filter(({ name }) => this.#users.has(name))
        .map(async (resource) => {
          const plugin = this.#plugins.get(resource.name) ?? { isFallback: false, failures: 0 };
          this.#plugins.set(resource.name, plugin);
          clearTimeout(plugin.timer);
          plugin.wanted = resource;
          plugin.failures = 0;
          return this.#resolve(resource.name, plugin, resource);
        }),
    );
    const found = errors.filter((each) => each !== undefined);
    return found.length > 0 ? found.join("; ") : undefined;
  }

  close(): void {
    for (const { timer } of this.#plugins.values()) clearTimeout(timer);
    this.#users.clear();
  }

  /** Puts a configuration into effect, or what stands in for it. @returns why it is not */
  async #resolve(name: string, plugin: Plugin, resource: PilotResource): Promise<string | undefined> {
    let remote: RemotePlugin | undefined;
    let local: LocalPlugin | undefined;
    try {
      remote = remotePluginOf(resource.value);
      local = localPluginOf(resource.value);
      if (local) await checkModule(local.path);
      const file = remote && (await this.#options.store.file(remote));
      if (plugin.wanted !== resource) return undefined;
      if (remote) this.#options.fetches?.inc({ result: "success" });
      plugin.failures = 0;
      plugin.isFallback = remote === undefined && local === undefined;
      this.#serve(name, plugin, file === undefined ? resource.value : withModule(resource.value, file), file);
      void this.#clean();
      return undefined;
    } catch (error) {
      const { message } = XebecError.from(error);
      if (plugin.wanted !== resource) return undefined;
      if (remote) this.#options.fetches?.inc({ result: "failure" });
      const given = remote ?? local;
      const hasLast = plugin.served !== undefined && !plugin.isFallback;
      log.warn({ plugin: name, keeps: hasLast, err: error }, "the module of a plugin cannot be had");
      if (!hasLast && given) {
        plugin.isFallback = true;
        this.#serve(name, plugin, withoutModule(name, given), undefined);
      }
      plugin.timer = setTimeout(
        () => void this.#retry(name, plugin, resource),
        backoff(plugin.failures++, RETRY),
      ).unref();
      const instead = hasLast
        ? "the last module stays"
        : given?.isOpen
          ? "traffic passes without it"
          : "traffic is refused";
      return `${name}: ${message}; ${instead}`;
    }
  }

  async #retry(name: string, plugin: Plugin, resource: PilotResource): Promise<void> {
    if (plugin.wanted !== resource || this.#plugins.get(name) !== plugin) return;
    const error = await this.#resolve(name, plugin, resource);
    // Pilot was told that this does not work: on a stream of its own it hears that it does.
    if (error === undefined) this.#options.pilot.again();
  }

  #serve(name: string, plugin: Plugin, value: Uint8Array, file: string | undefined): void {
    const version = createHash("sha256").update(value).digest("hex").slice(0, 16);
    plugin.file = file;
    if (plugin.served?.version === version) return;
    plugin.served = { name, version, value };
    for (const changed of [...this.#listeners]) changed();
  }

  async #clean(): Promise<void> {
    await this.#options.store.removeUnused((path) => [...this.#plugins.values()].some(({ file }) => file === path));
  }
}
