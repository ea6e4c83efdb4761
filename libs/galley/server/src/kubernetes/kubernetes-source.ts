import { logger } from "@xebec/core-log";
import { KINDS, type Kind } from "@xebec/model-resources";
import {
  createReflector,
  createTypeDiscovery,
  type KubeClient,
  type KubeObject,
  objectKey,
  RESOURCES,
  type Reflector,
  type ReflectorChange,
  type ReflectorTimes,
  type ResourceType,
  type ServedTypes,
} from "@xebec/platform-kube";
import { type ConfigSource, NO_CONTENT, type PlaceContent, type SourceHost } from "../config-source.ts";
import { PlaceReader } from "../place-reader.ts";
import { CONFIG_GROUPS, placeOf, typeOf, writtenObject } from "./config-types.ts";
import type { NamespaceFilter } from "./namespace-filter.ts";
import type { KnownObjects } from "./object-status.ts";
import { Quiet } from "./quiet.ts";

const log = logger("source");
/** Objects of this group depend on each other: they are validated again when attributes change. */
const MIXER_GROUP = "config.istio.io";

export interface KubernetesSourceOptions {
  readonly client: KubeClient;
  /** Where the config map `istio` with the mesh configuration is. */
  readonly rootNamespace: string;
  /** Told of every object, and of those that are gone. */
  readonly objects?: Pick<KnownObjects, "seen" | "gone">;
  /** Objects of other namespaces are left out; whoever publishes follows its changes. Absent: all namespaces count. */
  readonly namespaces?: Pick<NamespaceFilter, "admits">;
  /** The kinds that are read; all when absent. */
  readonly wants?: (kind: Kind) => boolean;
  /** How often is looked for new types, in milliseconds. */
  readonly discoveryMs?: number;
  readonly times?: Partial<ReflectorTimes>;
}

interface Followed {
  readonly type: ResourceType;
  readonly reflector: Reflector;
}

/**
 * The objects of Istio's kinds in an API server, and the mesh configuration in the config map `istio`. Each object is a place. Kinds
 * whose CRD is not installed have no objects; they are found when it is.
 */
export function createKubernetesSource(options: KubernetesSourceOptions): ConfigSource {
  return new KubernetesSource(options);
}

class KubernetesSource implements ConfigSource {
  readonly name = "Kubernetes";
  readonly #options: KubernetesSourceOptions;
  readonly #places = new Map<string, PlaceContent>();
  /** Objects whose validity depends on others, by place. */
  readonly #raw = new Map<string, Record<string, unknown>>();
  /** By `<group>/<plural>`. */
  readonly #followed = new Map<string, Followed>();
  readonly #quiet = new Quiet(() => this.#host?.changed());
  readonly #stop = new AbortController();
  readonly #discovery;
  #host: SourceHost | undefined;
  readonly #started = new Date();
  #isDiscovered = false;
  #isWhole = false;
  /** Types are followed one change of discovery after the other. */
  #following: Promise<void> = Promise.resolve();

  constructor(options: KubernetesSourceOptions) {
    this.#options = options;
    const { client, discoveryMs } = options;
    this.#discovery = createTypeDiscovery({
      ...{ client, groups: this.#groups(), ...(discoveryMs === undefined ? {} : { everyMs: discoveryMs }) },
      changed: (types) => {
        this.#following = this.#following.then(() => this.#follow(types));
      },
    });
  }

  async start(host: SourceHost, signal: AbortSignal): Promise<void> {
    this.#host = host;
    if (this.#kinds().some(({ kind }) => kind === "MeshConfig"))
      await this.#start(RESOURCES.configMaps, {
        namespace: this.#options.rootNamespace,
        fieldSelector: "metadata.name=istio",
      });
    await this.#discovery.start(signal);
  }

  places(): ReadonlyMap<string, PlaceContent> | undefined {
    if (!this.#isWhole) return undefined;
    const admits = this.#options.namespaces?.admits;
    if (!admits) return this.#places;
    return new Map([...this.#places].filter(([place]) => isMeshPlace(place) || admits(namespaceOf(place))));
  }

  async revalidate(): Promise<void> {
    for (const [place, raw] of this.#raw) this.#places.set(place, this.#read(place, raw));
  }

  missing(): readonly string[] {
    if (this.#isWhole) return [];
    return [
      ...(this.#discovery.missing?.() ?? []).map((line) => `types of ${this.#options.client.server}: ${line}`),
      ...[...this.#followed.values()].flatMap(({ reflector }) => reflector.missing()),
    ];
  }

  async close(): Promise<void> {
    this.#host = undefined;
    this.#stop.abort();
    this.#quiet.close();
    await this.#discovery.close?.();
    await this.#following;
    await Promise.all([...this.#followed.values()].map(({ reflector }) => reflector.close?.()));
  }

  #kinds(): readonly Kind[] {
    const { wants } = this.#options;
    return wants ? KINDS.filter(wants) : KINDS;
  }

  #groups(): readonly string[] {
    return this.#options.wants ? [...new Set(this.#kinds().map(({ group }) => group))] : CONFIG_GROUPS;
  }

  /** Follows the types that there are now, each in its newest version. */
  async #follow(served: ServedTypes): Promise<void> {
    for (const kind of this.#kinds()) {
      if (this.#stop.signal.aborted) return;
      const type = typeOf(kind, served);
      const known = this.#followed.get(keyOfKind(kind));
      // What is not there any more is withdrawn by its reflector, if that lasts.
      if (!type || known?.type.version === type.version) continue;
      if (known && served.get(keyOfKind(kind))?.includes(known.type.version)) continue;
      if (known) {
        log.info({ kind: kind.kind, version: type.version }, "the version of the kind is gone; another one is read");
        await known.reflector.close?.();
      }
      await this.#start(type);
    }
    this.#isDiscovered = true;
    this.#settle();
  }

  async #start(type: ResourceType, selection: { namespace?: string; fieldSelector?: string } = {}): Promise<void> {
    let isFirst = true;
    const reflector = createReflector<PlaceContent>({
      ...{ client: this.#options.client, type, ...selection },
      ...(this.#options.times ? { times: this.#options.times } : {}),
      project: (object) => this.#project(type, object),
      changed: (change) => {
        this.#changed(type, change, isFirst);
        isFirst = false;
      },
    });
    this.#followed.set(`${type.group}/${type.plural}`, { type, reflector });
    await reflector.start(this.#stop.signal);
  }

  #project(type: ResourceType, object: KubeObject): PlaceContent {
    const place = placeOf(type, objectKey(object));
    const raw = writtenObject(object, type);
    this.#options.objects?.seen(type, object);
    if (type.group === MIXER_GROUP) this.#raw.set(place, raw);
    return this.#read(place, raw);
  }

  #read(place: string, raw: Record<string, unknown>): PlaceContent {
    const host = this.#host;
    if (!host) return NO_CONTENT;
    const before = this.#places.get(place) ?? host.earlier.of(place);
    const reader = new PlaceReader(place, before, host.rules(), (key) =>
      host.createdAt(key, this.#isWhole ? undefined : this.#started),
    );
    reader.add({ value: raw, line: 0, path: [], lineOf: () => 0 });
    return reader.content;
  }

  /** @param isFirst the change is everything that there is of the type */
  #changed(type: ResourceType, { puts, deletes }: ReflectorChange<PlaceContent>, isFirst: boolean): void {
    if (!this.#host) return;
    const gone = new Set([...deletes].map((key) => placeOf(type, key)));
    for (const key of deletes) this.#options.objects?.gone(type, key);
    // Another version of the type, or an earlier run, may have had more.
    if (isFirst)
      for (const place of this.#places.keys())
        if (place.startsWith(`${type.kind} `) && !puts.has(place.slice(type.kind.length + 1))) gone.add(place);
    for (const place of gone) {
      this.#places.delete(place);
      this.#raw.delete(place);
      this.#host.earlier.forget(place);
    }
    for (const [key, content] of puts) this.#places.set(placeOf(type, key), content);
    this.#settle();
  }

  #settle(): void {
    if (this.#isWhole) {
      this.#quiet.touch();
      return;
    }
    // A type that is served and cannot be read holds everything up: what it has would look deleted.
    if (!this.#isDiscovered || ![...this.#followed.values()].every(({ reflector }) => reflector.synced)) return;
    this.#isWhole = true;
    this.#host?.earlier.settle((place) => this.#places.has(place));
    this.#quiet.now();
  }
}

/** The mesh configuration says which namespaces are read, and is read in any case. */
function isMeshPlace(place: string): boolean {
  return place.startsWith("ConfigMap ") || place.startsWith("MeshConfig ");
}

/** The namespace of `VirtualService default/reviews`; empty where there is none. */
function namespaceOf(place: string): string {
  const key = place.slice(place.indexOf(" ") + 1);
  return key.includes("/") ? key.slice(0, key.indexOf("/")) : "";
}

function keyOfKind({ group, plural }: Kind): string {
  return `${group}/${plural}`;
}
