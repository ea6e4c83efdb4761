import { type HostAddress, keyOf, type ReasonOf, type Resource } from "@xebec/model-resources";
import type { KeySource } from "../key-sets/references.ts";
import type { SnapshotOptions } from "../options.ts";

export type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A part of the next snapshot while it is being made. */
export interface Edit<State> {
  /** The next state. Its values are immutable: an edit puts others in their place. */
  readonly state: Mutable<State>;
  /** Gets the dependency key of everything that the edit changes. */
  readonly changed: Set<string>;
  /** Names the edit to immutable maps (`PersistentMap.edit`): what this edit made, only this edit has. */
  readonly batch: object;
}

/**
 * How one kind of configuration becomes a part of the snapshot. The module of a kind has a folder of its own, which holds all that
 * pilot knows of the kind but what Envoy gets of it; `registry.ts` lists the modules.
 * @typeParam T what one object is translated to
 * @typeParam State what the snapshot has of the kind: fields that no other kind has
 * @typeParam Reads what of a snapshot the conditions depend on
 */
export interface ConfigKind<T, State, Reads = State> {
  readonly group: string;
  /** Undefined for every kind of the group. */
  readonly kind: string | undefined;
  /** The dependency keys of what the state holds, and functions that give them; by names that no other kind has. */
  readonly keys: object;
  /** The state without any object. */
  initial(options: SnapshotOptions): State;
  /**
   * Translates an object. Nothing is changed by then, so that a bad one does no harm.
   * @returns undefined for an object that has no effect, whatever it says
   * @throws when it cannot be translated: then its last good form stays
   */
  make(resource: Resource, options: SnapshotOptions): T | undefined;
  /** The labels that an object tells proxies apart by. */
  selectorLabels?(object: T): readonly string[];
  /** The rules for tokens of an object, whose keys pilot may have to fetch. */
  keySources?(object: T): readonly KeySource[];
  /** Puts an object in the place of its former version. @param after undefined when the object is gone */
  replace(edit: Edit<State>, before: T | undefined, after: T | undefined, options: SnapshotOptions): void;
  /** Makes what all objects together give, once for each edit that replaced one. */
  finish?(edit: Edit<State>): void;
  /** The state in parts, each with the dependency key that a reader of the part notes. */
  parts(state: State): Iterable<readonly [key: string, part: unknown]>;
  /** The condition of every object: whether it is in effect, and which parts of it are not. */
  conditions?(snapshot: Reads, proxies: KnownProxies): Iterable<ObjectCondition>;
}

/** What the translated forms of objects have in common. */
export interface NamedObject {
  /** `keyOf` of the object. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  /** RFC 3339, for Istio's "the oldest wins". */
  readonly created: string;
}

export function namedObject(resource: Resource): NamedObject {
  return {
    key: keyOf(resource),
    namespace: resource.namespace,
    name: resource.name,
    created: resource.creationTimestamp ?? "",
  };
}

/** Whether an object takes effect, and where, or why not (docs/errors.md, Conditions). */
export interface ObjectCondition {
  readonly key: string;
  readonly reason: ReasonOf<"pilot", "attached" | "ignored">;
  readonly message: string;
  /** The addresses that pilot gave its hosts: `status.addresses` of a ServiceEntry. */
  readonly addresses?: readonly HostAddress[];
}

/** A sidecar that is connected. */
export interface ConnectedSidecar {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The ports that it serves; undefined where traffic of every port is captured. */
  readonly ports: ReadonlySet<number> | undefined;
}

/** What the configuration of connected proxies came from. */
export interface InUse {
  /** Keys of objects. */
  readonly configKeys: ReadonlySet<string>;
  readonly sidecars: readonly ConnectedSidecar[];
  /** What the configuration of some proxy leaves out of an object, as `path: why`, by the object's key. */
  readonly remarks?: ReadonlyMap<string, ReadonlySet<string>>;
  /** The patches of EnvoyFilters that have changed, added or removed something at some proxy, as `KEY PATH`. */
  readonly patches?: ReadonlySet<string>;
}

/** What conditions take into account of the proxies. */
export interface KnownProxies {
  /** Labels of the routers that are connected. */
  readonly routers: readonly Readonly<Record<string, string>>[];
  /** Undefined while it is not known: then the objects alone are looked at. */
  readonly use: InUse | undefined;
}
