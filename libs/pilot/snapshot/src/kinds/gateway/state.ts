import { labelsMatch } from "@xebec/model-names";
import type { GatewaySpec } from "@xebec/model-resources";
import { Query } from "../../query.ts";
import type { NamedObject } from "../kind.ts";

export interface Gateway extends NamedObject {
  readonly spec: GatewaySpec;
}

export interface GatewayState {
  /** The oldest first. */
  readonly gateways: readonly Gateway[];
}

export const gatewayKeys = { gateways: "gateways" } as const;

/** The Gateways that select a router, the oldest first. */
export const gatewaysOf = new Query(
  ({ gateways }: GatewayState, keys, labels: Readonly<Record<string, string>>): readonly Gateway[] => {
    keys.add(gatewayKeys.gateways);
    return gateways.filter((each) => labelsMatch(each.spec.selector, labels));
  },
);
