import type { GatewaySpec } from "@xebec/model-resources";
import type { NamedObject } from "../kind.ts";

export interface Gateway extends NamedObject {
  readonly spec: GatewaySpec;
}

export interface GatewayState {
  /** The oldest first. */
  readonly gateways: readonly Gateway[];
}

export const gatewayKeys = { gateways: "gateways" } as const;
