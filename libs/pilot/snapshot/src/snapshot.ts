import type { PersistentMap } from "./collections/persistent-map.ts";
import { type KeySetState, keySetKeys } from "./key-sets/key-sets.ts";
import { type ConfigState, configKeys } from "./kinds/registry.ts";
import { type HostAddressState, hostAddressKeys } from "./network-gateways/host-addresses.ts";
import { type SecretState, secretKeys } from "./secrets/secrets.ts";
import { type PodState, podKeys } from "./services/pods.ts";
import { type ServiceState, serviceKeys } from "./services/services.ts";

/**
 * Everything that generation reads, at one moment: what registries know, and what each kind of configuration gives. Immutable: a
 * push that is under way keeps its snapshot while newer ones are made.
 */
export interface Snapshot extends ServiceState, PodState, KeySetState, HostAddressState, SecretState, ConfigState {
  /** Counts up from 1 with each change of this process. */
  readonly version: number;
  /** `metadata.generation` of every object that has conditions, by `keyOf`. */
  readonly generations: PersistentMap<number>;
  /** Label names that some selector or source match reads: the labels that tell proxies apart. */
  readonly selectorLabels: ReadonlySet<string>;
}

/**
 * The dependency keys of a change. A generated resource records the keys that it read; it is made again when one of them
 * changes. Each kind's keys are in its module.
 */
export const dependency = {
  ...serviceKeys,
  ...podKeys,
  ...keySetKeys,
  ...hostAddressKeys,
  ...secretKeys,
  ...configKeys,
  selectorLabels: "selector-labels",
  /** No resource reads it: a change of an object that nobody reads has a condition, too. */
  generations: "generations",
} as const;
