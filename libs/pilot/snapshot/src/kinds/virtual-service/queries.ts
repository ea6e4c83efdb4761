import { isVisible } from "@xebec/pilot-registry";
import { Query } from "../../query.ts";
import type { MeshState } from "../mesh-config/state.ts";
import { MESH_GATEWAY, type VirtualService, type VirtualServiceState, virtualServiceKeys } from "./state.ts";

const NONE: readonly VirtualService[] = [];

/**
 * The VirtualService that owns a host for the sidecars of a namespace: the most specific host, then the oldest
 * (docs/reference/pilot.md §3.1).
 * @param rules only one that has such rules counts: one for TCP alone leaves HTTP to the next
 * @param isImported whether the proxy's Sidecar imports it
 */
export const virtualServiceOf = new Query(
  (
    { virtualServices, mesh }: VirtualServiceState & MeshState,
    keys,
    host: string,
    rules: "http" | "tls" | "tcp",
    namespace: string,
    isImported: (rule: VirtualService) => boolean = () => true,
  ): VirtualService | undefined => {
    keys.add(virtualServiceKeys.virtualService(host));
    keys.add(virtualServiceKeys.virtualService("*"));
    return virtualServices.find(
      host,
      (each) => (each.spec[rules]?.length ?? 0) > 0 && isForSidecars(each, namespace, mesh) && isImported(each),
    )[0];
  },
);

/** All VirtualServices for the sidecars of a namespace. */
export const virtualServicesOfSidecars = new Query(
  ({ virtualServices, mesh }: VirtualServiceState & MeshState, keys, namespace: string): Iterable<VirtualService> => {
    keys.add(virtualServiceKeys.anyVirtualService);
    return Iterator.from(virtualServices.all()).filter((each) => isForSidecars(each, namespace, mesh));
  },
);

/** The VirtualServices of a Gateway that routers of a namespace see, the oldest first. @param gateway `<namespace>/<name>` */
export const virtualServicesOfGateway = new Query(
  (
    { gatewayRoutes, mesh }: VirtualServiceState & MeshState,
    keys,
    gateway: string,
    namespace: string,
  ): readonly VirtualService[] => {
    keys.add(virtualServiceKeys.gatewayRoutes(gateway));
    const attached = gatewayRoutes.get(gateway) ?? NONE;
    return attached.filter((each) => isVisible(each.exportTo, each.namespace, namespace, mesh.exportTo.virtualService));
  },
);

function isForSidecars(
  { gateways, exportTo, namespace: owner }: VirtualService,
  namespace: string,
  { exportTo: defaults }: MeshState["mesh"],
): boolean {
  return gateways.includes(MESH_GATEWAY) && isVisible(exportTo, owner, namespace, defaults.virtualService);
}
