import type { GatewaySpec, Resource } from "@xebec/model-resources";
import { withReplaced } from "../../collections/by-age.ts";
import { type ConfigKind, namedObject } from "../kind.ts";
import { gatewayConditions } from "./conditions.ts";
import { type Gateway, type GatewayState, gatewayKeys } from "./state.ts";

export const gatewayKind = {
  group: "networking.istio.io",
  kind: "Gateway",
  keys: gatewayKeys,
  initial: (): GatewayState => ({ gateways: [] }),
  make: (resource) => ({ ...namedObject(resource), spec: (resource as Resource<GatewaySpec>).spec }),
  selectorLabels: ({ spec }) => Object.keys(spec.selector ?? {}),
  replace({ state, changed }, before, after) {
    state.gateways = withReplaced(state.gateways, before, after);
    changed.add(gatewayKeys.gateways);
  },
  *parts({ gateways }) {
    for (const each of gateways) yield [gatewayKeys.gateways, each];
  },
  conditions: gatewayConditions,
} satisfies ConfigKind<Gateway, GatewayState>;
