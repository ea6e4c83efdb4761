import type { VirtualServiceSpec } from "@xebec/model-resources";
import type { HostIndex } from "../../collections/host-index.ts";
import type { PersistentMap } from "../../collections/persistent-map.ts";
import type { NamedObject } from "../kind.ts";

/** A VirtualService with its references resolved. */
export interface VirtualService extends NamedObject {
  /** Fully qualified; none for a delegate. */
  readonly hosts: readonly string[];
  /** `mesh`, or `<namespace>/<name>` of a Gateway; none for a delegate. */
  readonly gateways: readonly string[];
  readonly exportTo: readonly string[];
  /** Of one that delegates with the rules of its delegates. Those are resolved: their hosts are full names. */
  readonly spec: VirtualServiceSpec;
  /** Of one that delegates: the key of the delegate that each rule for HTTP comes from, undefined for a rule of its own. */
  readonly delegateKeys?: readonly (string | undefined)[];
}

/** `<namespace>/<name>` of a VirtualService without hosts. */
export type DelegateId = string;

/** A VirtualService that delegates. */
export interface Root {
  /** As it is written. */
  readonly written: VirtualService;
  /** With the rules of its delegates, as it is in effect. */
  readonly merged: VirtualService;
}

export interface VirtualServiceState {
  readonly virtualServices: HostIndex<VirtualService>;
  /** Those of a Gateway, by `<namespace>/<name>` of the Gateway, the oldest first. */
  readonly gatewayRoutes: PersistentMap<readonly VirtualService[]>;
  readonly delegates: PersistentMap<VirtualService>;
  /** Those that delegate, by key. */
  readonly roots: PersistentMap<Root>;
  /** Keys of those that delegate to a delegate, whether it is there or not, sorted. */
  readonly rootsOf: PersistentMap<readonly string[]>;
}

/** `*` stands for every wildcard host. */
export const virtualServiceKeys = {
  virtualService: (host: string): string => `vs/${host.startsWith("*") ? "*" : host}`,
  anyVirtualService: "vs",
  /** Those with a host below a domain. */
  virtualServicesBelow: (domain: string): string => `vs-below/${domain}`,
  virtualServicesOf: (namespace: string): string => `vs-of/${namespace}`,
  gatewayRoutes: (gateway: string): string => `gateway-routes/${gateway}`,
  /** Who delegates to whom. What comes of it is under the hosts and Gateways of those that delegate. */
  delegate: (id: DelegateId): string => `delegate/${id}`,
} as const;

/** The name by which `spec.gateways` means the sidecars. */
export const MESH_GATEWAY = "mesh";
