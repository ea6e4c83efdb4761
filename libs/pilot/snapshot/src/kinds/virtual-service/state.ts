import type { VirtualServiceSpec } from "@xebec/model-resources";
import type { HostIndex } from "../../collections/host-index.ts";
import type { PersistentMap } from "../../collections/persistent-map.ts";
import type { NamedObject } from "../kind.ts";

/** A VirtualService with its references resolved. */
export interface VirtualService extends NamedObject {
  /** Fully qualified. */
  readonly hosts: readonly string[];
  /** `mesh`, or `<namespace>/<name>` of a Gateway. */
  readonly gateways: readonly string[];
  readonly exportTo: readonly string[];
  readonly spec: VirtualServiceSpec;
}

export interface VirtualServiceState {
  readonly virtualServices: HostIndex<VirtualService>;
  /** Those of a Gateway, by `<namespace>/<name>` of the Gateway, the oldest first. */
  readonly gatewayRoutes: PersistentMap<readonly VirtualService[]>;
}

/** `*` stands for every wildcard host. */
export const virtualServiceKeys = {
  virtualService: (host: string): string => `vs/${host.startsWith("*") ? "*" : host}`,
  anyVirtualService: "vs",
  gatewayRoutes: (gateway: string): string => `gateway-routes/${gateway}`,
} as const;

/** The name by which `spec.gateways` means the sidecars. */
export const MESH_GATEWAY = "mesh";
