import type { EncodedResource } from "../encode/encoded.ts";
import type { Scope } from "../scope/scope.ts";
import type { Workload } from "../scope/workload.ts";
import type { NameSet } from "./names.ts";
import type { ResourceSet } from "./resource-set.ts";

/** What a resource type makes of a scope and, where it reads it, of the proxy's own workload. */
export interface ResourceRequest {
  /** What the proxy asked for of a type with names. */
  readonly names: NameSet;
  readonly workload: Workload;
}

/** A type of xDS resources: all that the generator and the server know of it. */
export interface ResourceType {
  readonly name: string;
  readonly typeUrl: string;
  /** Istio's short name in metrics and status. */
  readonly shortName: string;
  /** wildcard: clients always get all there is. named: they ask for names. */
  readonly subscription: "wildcard" | "named";
  /** True for what leads to clusters: it waits until they, and their endpoints, are acknowledged. */
  readonly followsClusters: boolean;
  /** True for what every client asks for sooner or later, if it has come with all of its configuration. */
  readonly alwaysSubscribed: boolean;

  /** The resources for a proxy. */
  resources(scope: Scope, request: ResourceRequest): ResourceSet;

  /**
   * What a proxy's configuration is made of, whether the proxy has asked for it yet or not. Proxies that are alike get the very
   * same lists. Absent for a type that no object's condition is about.
   */
  lists?(scope: Scope, workload: Workload): readonly (readonly EncodedResource[])[];

  /** Makes the small pieces of which `resources` puts the whole together, one at each step. */
  prepare?(scope: Scope, workload: Workload): Iterable<undefined>;
}
