import { backoff, Coalescer, sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { MixerContext } from "@xebec/galley-validate";
import type { ConfigPosition, Resource } from "@xebec/model-resources";
import { type Bus, type Conditions, createRevisionWriter, type RevisionWriter } from "@xebec/platform-bus";
import type { ConfigSource, PlaceContent, SourceHost } from "./config-source.ts";
import { CreationTimes } from "./creation-times.ts";
import { CurrentMixer } from "./current-mixer.ts";
import type { NamespaceFilter } from "./kubernetes/namespace-filter.ts";
import { createLastKnownGood, type LastKnownGood } from "./last-known-good.ts";
import { MergedPlaces, placesOf } from "./merge.ts";
import { PublishedResources, type ResourceDiff } from "./published-resources.ts";
import { StatusReporter } from "./status-reporter.ts";

const log = logger("source");

/** How long the end waits for a publication that is under way. In milliseconds. */
const LAST_WORD_MS = 1_000;
/** Most keys of objects in one line of the log. */
const LOGGED = 50;
const RETRY = { baseMs: 1_000, maxMs: 30_000 };

export interface ConfigPublisherOptions {
  /** Where configuration comes from, in the order of precedence: an object that several sources have is the first one's. */
  readonly sources: readonly ConfigSource[];
  readonly bus: Bus;
  /** Where errors and acceptances are reported; absent: only the log has them. */
  readonly conditions?: Conditions;
  /** Keeps the last known good objects here, so that a restart with a broken source changes nothing. */
  readonly stateDir?: string;
  readonly defaultNamespace?: string;
  /** Namespace of the control plane, where the mesh configuration is (`istio-system`). */
  readonly systemNamespace?: string;
  /** True: it follows its sources, and publishes only while `writing` is started: one of several replicas does. */
  readonly standby?: boolean;
  /** Says which namespaces of an API server count; told of what is in use before anything of it is published. */
  readonly namespaces?: NamespaceFilter;
  /** Told after each revision what is published, by `keyOf`. */
  readonly published?: (resources: ReadonlyMap<string, Resource>) => void;
}

export interface ConfigPublisher extends Component {
  /** What objects of Mixer's are checked against now. */
  mixer(): MixerContext;
  /** The part of it that publishes; its owner starts and ends it when it stands by, as often as it leads. */
  readonly writing: Component;
}

/**
 * Publishes the objects of sources as revisions of the bucket `config`: what changed at once is one revision. It owns the order of
 * sources, generations, creation times, conditions, retries and what outlasts a restart; sources own what there is.
 *
 * | State | Meaning | Leaves it |
 * |---|---|---|
 * | standing by | another replica publishes; what objects are checked against is kept up to date | `writing` starts |
 * | waiting | some source was not read once: what it has would look deleted, so nothing is published | every source was read |
 * | publishing | a revision is made and written; changes that come meanwhile are the next one | the bus has it, or does not take it |
 * | idle | the bus has what the sources have | a source changes |
 * | failed | the bus did not take it; everything is published next, after a pause that grows | the pause, or a change |
 */
export function createConfigPublisher(options: ConfigPublisherOptions): ConfigPublisher {
  return new Publisher(options);
}

class Publisher implements ConfigPublisher {
  readonly name = "configuration";
  readonly #options: ConfigPublisherOptions;
  /** Undefined while another replica publishes. */
  #writer: RevisionWriter | undefined;
  readonly #lastKnownGood: LastKnownGood;
  readonly #times: CreationTimes;
  readonly #published: PublishedResources;
  readonly #status: StatusReporter;
  readonly #mixer = new CurrentMixer();
  readonly #merged = new MergedPlaces();
  /** The objects that are others than those that were published, by key. */
  #changed = new Set<string>();
  readonly #publish = new Coalescer(() => this.#publishChanges());
  readonly #stop = new AbortController();
  /** How far the bus is; undefined before the first revision. */
  #position: ConfigPosition | undefined;
  /** The next revision is everything: what an earlier run, or a failed publication, left behind is deleted by it. */
  #isWholeDue = true;
  #failures = 0;
  /** The sources were started. */
  #isFollowing = false;
  /** Why the last publication failed. */
  #problem: string | undefined;

  constructor(options: ConfigPublisherOptions) {
    const { conditions, stateDir } = options;
    this.#options = options;
    this.#lastKnownGood = createLastKnownGood(stateDir);
    this.#times = new CreationTimes((key) => this.#lastKnownGood.object(key));
    this.#published = new PublishedResources((key) => this.#lastKnownGood.object(key));
    this.#status = new StatusReporter(conditions, (key) => this.#published.generation(key));
  }

  mixer(): MixerContext {
    return this.#mixer.context;
  }

  async start(signal: AbortSignal): Promise<void> {
    const { sources, defaultNamespace, systemNamespace, standby, namespaces } = this.#options;
    namespaces?.onChange(() => void this.#publish.request());
    if (!standby) await this.writing.start(signal);
    await this.#lastKnownGood.load();
    const host: SourceHost = {
      rules: () => ({
        mixer: this.#mixer.context,
        ...(defaultNamespace ? { defaultNamespace } : {}),
        ...(systemNamespace ? { systemNamespace } : {}),
      }),
      earlier: this.#lastKnownGood,
      createdAt: (key, sourceCreated) => this.#times.of(key, sourceCreated),
      changed: () => void this.#publish.request(),
    };
    for (const source of sources) await source.start(host, signal);
    this.#isFollowing = true;
    if (this.#writer) void this.#publish.request();
  }

  missing(): readonly string[] {
    const { sources } = this.#options;
    return [
      ...sources.flatMap((source) => source.missing()),
      ...(this.#problem ? [this.#problem] : []),
      ...(this.#writer?.missing?.() ?? []),
    ];
  }

  readonly writing: Component = {
    name: "publication of the configuration",
    start: async (signal) => {
      const { bus, conditions } = this.#options;
      const writer = createRevisionWriter({
        ...{ bus, bucket: "config", source: "galley" },
        committed: (position) => {
          this.#position = position;
          void conditions?.observed(position);
        },
      });
      await writer.start(signal);
      // What another replica has published is compared with everything that there is.
      this.#isWholeDue = true;
      this.#writer = writer;
      if (this.#isFollowing) void this.#publish.request();
    },
    close: async () => {
      const writer = this.#writer;
      this.#writer = undefined;
      await writer?.close?.();
    },
  };

  async close(): Promise<void> {
    this.#stop.abort();
    for (const source of this.#options.sources) await source.close();
    // What is being published ends first, unless the bus does not take it.
    const ended = new AbortController();
    const limit = this.#options.bus.connected ? LAST_WORD_MS : 0;
    await Promise.race([this.#publish.request(), sleep(limit, ended.signal)]);
    ended.abort();
    await this.writing.close?.();
    await this.#publish.request();
  }

  async #publishChanges(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    try {
      await this.#publishNow();
      this.#failures = 0;
      this.#problem = undefined;
    } catch (error) {
      this.#isWholeDue = true;
      // The end cuts a publication off that the bus does not take; the next start does it, or the next leader.
      if (this.#stop.signal.aborted || !this.#writer) return;
      this.#problem = `the configuration cannot be published: ${XebecError.from(error).message}`;
      log.error({ err: error }, "the configuration cannot be published; trying again");
      void sleep(backoff(this.#failures++, RETRY), this.#stop.signal).then(() => this.#publish.request());
    }
  }

  async #publishNow(): Promise<void> {
    const places = await this.#places();
    if (!places) return;
    const { resources, errors } = this.#merged;
    const writer = this.#writer;
    if (!writer) return;
    const changed = this.#changed;
    this.#changed = new Set();
    try {
      const diff = await this.#published.update(resources, changed);
      for (const key of diff.deletes) this.#times.delete(key);
      this.#status.refused(errors, resources);
      // Before the bus has it: what is good does not depend on whether the bus is there.
      await this.#lastKnownGood.save(places, (key) => this.#published.generation(key));
      await this.#write(writer, diff);
      await this.#status.published(resources, changed, this.#position);
    } catch (error) {
      for (const key of changed) this.#changed.add(key);
      throw error;
    }
    this.#options.published?.(resources);
  }

  /** Everything that there is, validated against what there is; undefined while some source, or the namespaces, were not read. */
  async #places(): Promise<ReadonlyMap<string, PlaceContent> | undefined> {
    const { sources, namespaces } = this.#options;
    let places = this.#merge(sources);
    if (places && namespaces?.configure(this.#merged.resources)) places = this.#merge(sources);
    if (namespaces && !namespaces.isReady) return undefined;
    if (!places || !this.#mixer.update(this.#merged.resources.values(), this.#changed)) return places;
    for (const source of sources) await source.revalidate();
    return this.#merge(sources);
  }

  #merge(sources: readonly ConfigSource[]): ReadonlyMap<string, PlaceContent> | undefined {
    const places = placesOf(sources);
    if (places) for (const key of this.#merged.update(places)) this.#changed.add(key);
    return places;
  }

  async #write(writer: RevisionWriter, diff: ResourceDiff): Promise<void> {
    const { puts, deletes } = diff;
    if (!this.#isWholeDue && puts.size === 0 && deletes.size === 0) return;
    if (this.#isWholeDue) await writer.replace(await this.#published.all());
    else await writer.apply(diff);
    this.#isWholeDue = false;
    log.info({ changed: some(puts.keys()), removed: some(deletes) }, "configuration published");
  }
}

/** Keys as they are logged: of very many the first ones, a line of thousands helps nobody and holds the loop up. */
function some(keys: Iterable<string>): string[] {
  const all = [...keys];
  return all.length <= LOGGED ? all : [...all.slice(0, LOGGED), `and ${all.length - LOGGED} more`];
}
