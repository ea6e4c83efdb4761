import { labelsMatch } from "@xebec/model-names";
import type { GatewaySpec } from "@xebec/model-resources";
import { Query } from "../../query.ts";
import type { NamedObject } from "../kind.ts";
import type { MeshState } from "../mesh-config/state.ts";

export interface Gateway extends NamedObject {
  readonly spec: GatewaySpec;
}

export interface GatewayState {
  /** The oldest first. */
  readonly gateways: readonly Gateway[];
}

export const gatewayKeys = { gateways: "gateways" } as const;

/**
 * The Gateways that select a router, the oldest first: of all namespaces, or with `PILOT_SCOPE_GATEWAY_TO_NAMESPACE` of its own
 * (docs/reference/pilot.md §3.3).
 */
export const gatewaysOf = new Query(
  (
    { gateways, mesh }: GatewayState & MeshState,
    keys,
    { labels, namespace }: { readonly labels: Readonly<Record<string, string>>; readonly namespace: string },
  ): readonly Gateway[] => {
    keys.add(gatewayKeys.gateways);
    return gateways.filter(
      (each) => labelsMatch(each.spec.selector, labels) && (!mesh.ownNamespaceGateways || each.namespace === namespace),
    );
  },
);
