import type { Turns } from "@xebec/core-async";
import type { Component } from "@xebec/core-lifecycle";
import type { Resource } from "@xebec/model-resources";
import type { PodRecord } from "@xebec/model-workloads";
import type { ServiceDefinition } from "./service.ts";

/** What a registry knows. */
export interface RegistryState {
  /** By service id. */
  readonly services: ReadonlyMap<string, ServiceDefinition>;
  /** The pods that may have a proxy, by `<namespace>/<name>`. */
  readonly pods: ReadonlyMap<string, PodRecord>;
}

/** What changed in a registry at once; undefined stands for what is gone. */
export interface RegistryChange {
  /** By service id. */
  readonly services: ReadonlyMap<string, ServiceDefinition | undefined>;
  /** By `<namespace>/<name>`. */
  readonly pods: ReadonlyMap<string, PodRecord | undefined>;
}

/**
 * Gets every change. What it throws, or its promise rejects with, reaches whoever brought the registry the change.
 * @param turns the turns of the event loop in which the change is taken over, where it is done in turns
 */
export type RegistryListener = (change: RegistryChange, turns?: Turns) => void | Promise<void>;

/**
 * A source of services, endpoints and workloads: a platform, or configuration. A registry owns what it knows. It translates its
 * source's form into Istio's service model, and knows nothing of other registries, of rules and of mesh-wide settings.
 *
 * - `start` begins to follow the source.
 * - `state` is the whole state, at any time.
 * - `watch` adds a listener of changes. The first change after the start is the whole state, also when that is empty.
 * - `missing` is its health: what it lacks before the state is whole, in words for `/readyz`.
 */
export interface ServiceRegistry extends Component {
  readonly state: RegistryState;
  watch(listener: RegistryListener): void;
  missing(): readonly string[];
}

/** A registry whose source is configuration: pilot hands it the objects, so that one change of them is one change of the mesh. */
export interface ConfigRegistry extends ServiceRegistry {
  /** The kinds that it reads, as `<group>/<kind>`. */
  readonly configKinds: readonly string[];
  /**
   * Takes one object, and calls the listeners before it returns.
   * @param key `keyOf` of the object
   * @param resource undefined when it is gone
   * @throws when it cannot be translated: then its last good form stays
   */
  putConfig(key: string, resource: Resource | undefined): void;
  /**
   * Takes what the other registries report, and calls the listeners before it returns. Absent when nothing of this registry depends on
   * others.
   */
  observe?(change: RegistryChange): void;
  /**
   * Takes what an agent reports of its workload's health, and calls the listeners before it returns.
   * @param key `keyOf` of the WorkloadEntry
   * @param healthy false also when nobody reports any more
   */
  putHealth?(key: string, healthy: boolean): void;
}

export function isConfigRegistry(registry: ServiceRegistry): registry is ConfigRegistry {
  return "configKinds" in registry;
}
