import type { EncodedResource } from "../encode/encoded.ts";
import type { Place } from "../scope/place.ts";
import type { Scope } from "../scope/scope.ts";
import type { Workload } from "../scope/workload.ts";
import type { NameSet } from "./names.ts";
import type { ResourceSet } from "./resource-set.ts";

/** What a resource type may read besides the scope. */
export interface ResourceRequest {
  /** The requested names, for a type with named subscriptions. */
  readonly names: NameSet;
  readonly workload: Workload;
  /** Where the proxy is. */
  readonly place: Place;
}

/** A type of xDS resources: all that the generator and the server know about it. */
export interface ResourceType {
  readonly name: string;
  readonly typeUrl: string;
  /** Istio's short name in metrics and status. */
  readonly shortName: string;
  /** wildcard: clients always receive all resources. named: they request names. */
  readonly subscription: "wildcard" | "named";
  /** A state-of-the-world response has all resources that were requested by name: those that are not in it are gone. */
  readonly complete?: boolean;
  /** True when resources refer to clusters: they are sent after the clusters and their endpoints were acknowledged. */
  readonly followsClusters: boolean;
  /** The type whose resources say which ones of this type a client needs: nothing is sent before those. */
  readonly follows?: string;
  /** True when every client that received clusters subscribes to the type sooner or later. */
  readonly alwaysSubscribed: boolean;

  /** True when only clients that have proved who they are get resources. */
  readonly isConfidential?: boolean;
  /** True when objects of the configuration give it to a proxy: it needs no right to list Secrets besides. */
  readonly isGranted?: boolean;
  /** True when a client keeps a resource that is gone: it is never removed in the Delta form. */
  readonly outlivesRemoval?: boolean;

  /** The resources for a proxy. */
  resources(scope: Scope, request: ResourceRequest): ResourceSet;

  /**
   * The resources of a proxy, requested yet or not; equal proxies share the same lists. Absent when no condition of an object
   * depends on the type.
   */
  lists?(scope: Scope, workload: Workload): readonly (readonly EncodedResource[])[];

  /** Generates the small pieces that `resources` assembles, one at each step. */
  prepare?(scope: Scope, workload: Workload): Iterable<undefined>;
}
