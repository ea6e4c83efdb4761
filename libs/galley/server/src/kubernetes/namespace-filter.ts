import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import {
  type DiscoverySelectors,
  type MeshConfigSpec,
  meshConfigKey,
  type Resource,
  selectsNamespace,
} from "@xebec/model-resources";
import { createReflector, type KubeClient, RESOURCES, type Reflector, type ReflectorTimes } from "@xebec/platform-kube";

const log = logger("source");

/** Whether the objects of a namespace count. Objects without a namespace (empty) always do. */
export type Admits = (namespace: string) => boolean;

/** Says which namespaces of an API server are read, by the mesh configuration's `discoverySelectors`. */
export interface NamespaceFilter extends Component {
  /** The selectors are known, and the labels of namespaces if they are needed. Before that nothing may be published. */
  readonly isReady: boolean;
  /** Undefined: every namespace is read. */
  readonly admits: Admits | undefined;
  /**
   * Takes the selectors over from the configuration.
   * @param resources what is in use, by `keyOf`
   * @returns whether other namespaces are read than before
   */
  configure(resources: ReadonlyMap<string, Resource>): boolean;
  /** Calls when other namespaces are read, after the first time. @param changed whether a namespace is one of those @returns ends it */
  onChange(listener: (changed: Admits) => void): () => void;
  missing(): readonly string[];
}

export interface NamespaceFilterOptions {
  readonly client: KubeClient;
  /** Namespace of the control plane, where the mesh configuration is. */
  readonly systemNamespace: string;
  readonly times?: Partial<ReflectorTimes>;
}

/**
 * Follows the labels of namespaces, from the first time that there are selectors. Until the labels of all are known the selectors of before
 * hold.
 */
export function createNamespaceFilter(options: NamespaceFilterOptions): NamespaceFilter {
  return new LabelFilter(options);
}

const ALL: Admits = () => true;

class LabelFilter implements NamespaceFilter {
  readonly name = "namespaces";
  readonly #namespaces: Reflector;
  readonly #labels = new Map<string, Readonly<Record<string, string>>>();
  readonly #listeners = new Set<(changed: Admits) => void>();
  readonly #meshConfig: string;
  #selectors: DiscoverySelectors | undefined;
  /** The namespaces that are read; undefined: all. */
  #selected: ReadonlySet<string> | undefined;
  #isReady = false;
  #signal: AbortSignal | undefined;
  #isFollowing = false;

  constructor({ client, systemNamespace, times }: NamespaceFilterOptions) {
    this.#meshConfig = meshConfigKey(systemNamespace);
    this.#namespaces = createReflector<Readonly<Record<string, string>>>({
      ...{ client, type: RESOURCES.namespaces, ...(times ? { times } : {}) },
      project: ({ metadata: { labels } }) => labels ?? {},
      changed: ({ puts, deletes }) => {
        for (const [name, labels] of puts) this.#labels.set(name, labels);
        for (const name of deletes) this.#labels.delete(name);
        this.#select();
      },
    });
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  get admits(): Admits | undefined {
    const selected = this.#selected;
    return selected && ((namespace) => namespace === "" || selected.has(namespace));
  }

  configure(resources: ReadonlyMap<string, Resource>): boolean {
    const spec = resources.get(this.#meshConfig)?.spec as MeshConfigSpec | undefined;
    const selectors = spec?.discoverySelectors ?? [];
    if (this.#selectors && JSON.stringify(this.#selectors) === JSON.stringify(selectors)) return false;
    this.#selectors = selectors;
    if (selectors.length > 0) this.#follow();
    return this.#select();
  }

  onChange(listener: (changed: Admits) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  missing(): readonly string[] {
    return this.#isFollowing ? this.#namespaces.missing() : [];
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    if (this.#isFollowing) await this.#namespaces.close?.();
  }

  #follow(): void {
    if (this.#isFollowing || !this.#signal) return;
    this.#isFollowing = true;
    void this.#namespaces.start(this.#signal);
  }

  #select(): boolean {
    const selectors = this.#selectors;
    if (!selectors || (selectors.length > 0 && !this.#namespaces.synced)) return false;
    const before = this.admits ?? ALL;
    const wasReady = this.#isReady;
    const had = this.#selected;
    this.#selected =
      selectors.length === 0
        ? undefined
        : new Set([...this.#labels].flatMap(([name, labels]) => (selectsNamespace(selectors, labels) ? name : [])));
    this.#isReady = true;
    if (wasReady && areSame(had, this.#selected)) return false;
    if (selectors.length > 0) log.info({ namespaces: this.#selected?.size }, "discoverySelectors: namespaces are read");
    const after = this.admits ?? ALL;
    for (const listener of this.#listeners) listener((namespace) => before(namespace) !== after(namespace));
    return true;
  }
}

function areSame(one: ReadonlySet<string> | undefined, other: ReadonlySet<string> | undefined): boolean {
  if (!one || !other) return one === other;
  return one.size === other.size && [...one].every((each) => other.has(each));
}
