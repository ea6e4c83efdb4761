import type { Turns } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import type { Credential } from "@xebec/model-pki";
import { keyOf, type Resource } from "@xebec/model-resources";
import {
  type ConfigRegistry,
  isConfigRegistry,
  type RegistryChange,
  type ServiceRegistry,
} from "@xebec/pilot-registry";
import { LabelReaders } from "./collections/label-readers.ts";
import { PersistentMap } from "./collections/persistent-map.ts";
import { type KeySetChange, NO_KEY_SETS, replaceKeySet } from "./key-sets/key-sets.ts";
import { distinctRefs, type KeySetRef, keySetRefOf } from "./key-sets/references.ts";
import type { Edit } from "./kinds/kind.ts";
import { type AnyKind, CONFIG_KINDS, type ConfigState, configKindOf } from "./kinds/registry.ts";
import { replaceHealth } from "./kinds/workload-entry/workload-entry.ts";
import { type HostAddressChange, NO_HOST_ADDRESSES, replaceHostAddresses } from "./network-gateways/host-addresses.ts";
import { gatewayHosts } from "./network-gateways/network-gateways.ts";
import type { SnapshotOptions } from "./options.ts";
import { NO_SECRETS, replaceSecret } from "./secrets/secrets.ts";
import { NO_PODS, replacePod } from "./services/pods.ts";
import { NO_SERVICES, replaceDefinition } from "./services/services.ts";
import { dependency, type Snapshot } from "./snapshot.ts";

const log = logger("snapshot");

/** Objects of configuration that changed at once. */
export interface ConfigChange {
  readonly puts: readonly Resource[];
  /** Keys (`keyOf`) of those that are gone. */
  readonly deletes: readonly string[];
  /** Credentials by `secretKey`; undefined for those that are gone. */
  readonly secrets?: ReadonlyMap<string, Credential | undefined>;
  /** Whether the agents of WorkloadEntries report that they are healthy, by key; false also when they report no more. */
  readonly health?: ReadonlyMap<string, boolean>;
}

export interface SnapshotChange {
  readonly snapshot: Snapshot;
  /** Dependency keys of what changed; empty when nothing that matters did. */
  readonly changed: ReadonlySet<string>;
}

export interface SnapshotBuilderOptions extends SnapshotOptions {
  /** Where services come from; the builder watches them. Those that read configuration get it from the builder. */
  readonly registries: readonly ServiceRegistry[];
}

const NO_CHANGE: ConfigChange = { puts: [], deletes: [] };
const NO_HEALTH: ReadonlyMap<string, boolean> = new Map();

/**
 * Keeps the current snapshot and makes the next one from a change, at the cost of what changed. It knows no kind of configuration
 * and no registry by name: the modules of the kinds own what the snapshot has of them, and registries report services.
 */
export class SnapshotBuilder {
  readonly #options: SnapshotOptions;
  readonly #configRegistries: readonly ConfigRegistry[];
  /** What registries have reported and the snapshot does not have yet. */
  readonly #reported: { readonly by: ServiceRegistry; readonly change: RegistryChange }[] = [];
  /** Key sets that were fetched and that the snapshot does not have yet. */
  readonly #fetched: KeySetChange[] = [];
  /** Addresses of hosts that were looked up and that the snapshot does not have yet. */
  readonly #lookedUp: HostAddressChange[] = [];
  /** The key sets that each object refers to, by its key. */
  readonly #keySetRefs = new Map<string, readonly KeySetRef[]>();
  /** What was made of each object, by its key. */
  readonly #made = new Map<string, unknown>();
  readonly #labels = new LabelReaders();
  #snapshot: Snapshot;
  /** What the next snapshot is made from. It differs from the current one in what nobody could see a difference of. */
  #state: Snapshot;

  constructor(options: SnapshotBuilderOptions) {
    this.#options = options;
    this.#configRegistries = options.registries.filter(isConfigRegistry);
    for (const registry of options.registries) {
      this.#reported.push({ by: registry, change: registry.state });
      registry.watch((change) => void this.#reported.push({ by: registry, change }));
    }
    this.#snapshot = {
      version: 0,
      generations: PersistentMap.empty(),
      selectorLabels: new Set(),
      ...NO_SERVICES,
      ...NO_PODS,
      ...NO_KEY_SETS,
      ...NO_HOST_ADDRESSES,
      ...NO_SECRETS,
      ...(Object.assign({}, ...CONFIG_KINDS.map((kind) => kind.initial(options))) as ConfigState),
    };
    this.#state = this.#snapshot;
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** The key sets that objects refer to now, each once. */
  get keySetRefs(): readonly KeySetRef[] {
    return distinctRefs([...this.#keySetRefs.values()].flat());
  }

  /** Takes key sets that were fetched. They are in the snapshot after the next change that is applied. */
  reportKeySets(change: KeySetChange): void {
    this.#fetched.push(change);
  }

  /** The hosts by which gateways of networks are known now, each once. */
  get gatewayHosts(): readonly string[] {
    return gatewayHosts(this.#state);
  }

  /** Takes addresses of hosts. They are in the snapshot after the next change that is applied. */
  reportHostAddresses(change: HostAddressChange): void {
    this.#lookedUp.push(change);
  }

  /**
   * Applies a change of the configuration, and everything that registries have reported.
   * An object that cannot be translated is logged and keeps its last good form; all others count.
   */
  apply(config: ConfigChange = NO_CHANGE): SnapshotChange {
    const steps = this.#steps(config);
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
    }
  }

  /**
   * The same in turns of the event loop: a change may hold ten thousand objects. The snapshot is the old one until all is done.
   * Nothing else may be applied meanwhile.
   */
  async applyInTurns(config: ConfigChange, turns: Turns): Promise<SnapshotChange> {
    const steps = this.#steps(config);
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      const turn = turns.next();
      if (turn) await turn;
    }
  }

  /** Applies a change, one object at each step. */
  *#steps({ puts, deletes, secrets, health = NO_HEALTH }: ConfigChange): Generator<undefined, SnapshotChange> {
    const state = { ...this.#state };
    const changed = new Set<string>();
    const edit: Edit<Snapshot> = { state, changed, batch: {} };
    const edited = new Set<AnyKind>();
    const generations = new Map<string, number | undefined>();
    const putConfig = (key: string, resource: Resource | undefined): void =>
      guarded(key, () => {
        this.#putConfig(key, resource, edit, edited);
        if (configKindOf(key)?.conditions) generations.set(key, resource?.generation);
      });
    for (const key of deletes) {
      putConfig(key, undefined);
      yield;
    }
    for (const resource of puts) {
      putConfig(keyOf(resource), resource);
      yield;
    }
    for (const change of this.#fetched.splice(0)) for (const [id, keySet] of change) replaceKeySet(edit, id, keySet);
    for (const change of this.#lookedUp.splice(0))
      for (const [host, addresses] of change) replaceHostAddresses(edit, host, addresses);
    for (const [id, credential] of secrets ?? []) {
      replaceSecret(edit, id, credential);
      yield;
    }
    for (const [key, healthy] of health) {
      replaceHealth(edit, key, healthy);
      for (const registry of this.#configRegistries) registry.putHealth?.(key, healthy);
    }
    yield* this.#takeReported(edit);
    for (const kind of edited) kind.finish?.(edit);
    const counted = [...generations].filter(([key, each]) => state.generations.get(key) !== each);
    if (counted.length > 0) {
      state.generations = state.generations.edit(counted);
      changed.add(dependency.generations);
    }
    const labels = this.#labels.labels;
    if (labels.join() !== [...state.selectorLabels].join()) {
      state.selectorLabels = new Set(labels);
      changed.add(dependency.selectorLabels);
    }
    this.#reported.length = 0;
    if (changed.size > 0) state.version++;
    this.#state = Object.freeze(state);
    if (changed.size > 0) this.#snapshot = this.#state;
    return { snapshot: this.#snapshot, changed };
  }

  #putConfig(key: string, resource: Resource | undefined, edit: Edit<Snapshot>, edited: Set<AnyKind>): void {
    const kind = configKindOf(key);
    if (!kind) return;
    const name = `${kind.group}/${kind.kind}`;
    for (const registry of this.#configRegistries)
      if (registry.configKinds.includes(name)) registry.putConfig(key, resource);
    // First what may fail; then nothing can leave the snapshot half made.
    const after = resource && kind.make(resource, this.#options);
    const labels = after === undefined ? [] : (kind.selectorLabels?.(after) ?? []);
    const before = this.#made.get(key);
    if (before === undefined && after === undefined) return;
    if (after === undefined) this.#made.delete(key);
    else this.#made.set(key, after);
    const refs = after === undefined ? [] : refsIn(kind, after);
    if (refs.length > 0) this.#keySetRefs.set(key, refs);
    else this.#keySetRefs.delete(key);
    this.#labels.replace(before === undefined ? [] : (kind.selectorLabels?.(before) ?? []), labels);
    kind.replace(edit, before, after, this.#options);
    edited.add(kind);
  }

  /** Takes what registries have reported by now, also meanwhile. */
  *#takeReported(edit: Edit<Snapshot>): Generator<undefined> {
    for (const { by, change } of this.#reported) {
      const { pods, services } = change;
      // What others make of it comes behind it in the list.
      for (const registry of this.#configRegistries) if (registry !== by) registry.observe?.(change);
      for (const [key, pod] of pods) {
        guarded(`pod/${key}`, () => replacePod(edit, key, pod));
        yield;
      }
      for (const [id, definition] of services) {
        guarded(id, () => replaceDefinition(edit, id, definition));
        yield;
      }
    }
  }
}

function refsIn(kind: AnyKind, object: unknown): KeySetRef[] {
  return (kind.keySources?.(object) ?? []).flatMap((rule) => keySetRefOf(rule) ?? []);
}

/**
 * The key sets that objects refer to, before they are applied. What cannot be translated refers to none.
 * @param options of the builder that will get them
 */
export function keySetRefsIn(resources: readonly Resource[], options: SnapshotOptions): readonly KeySetRef[] {
  const found: KeySetRef[] = [];
  for (const each of resources) {
    const kind = configKindOf(keyOf(each));
    if (kind?.keySources)
      guarded(keyOf(each), () => {
        const made = kind.make(each, options);
        if (made !== undefined) found.push(...refsIn(kind, made));
      });
  }
  return distinctRefs(found);
}

/** Runs what reads one object; what is wrong with it disturbs no other. */
function guarded(key: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    log.error({ err: error, object: key }, "it cannot be translated and keeps its last good form");
  }
}
