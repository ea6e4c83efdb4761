import { type Kind, NETWORKING_VERSIONS } from "../../kind.ts";
import { ineffectiveInGateway } from "./ineffective.ts";
import { checkGateway, checkGatewayName } from "./rules.ts";
import { GatewaySpec } from "./schema.ts";

export const gateway: Kind = {
  group: "networking.istio.io",
  kind: "Gateway",
  plural: "gateways",
  versions: NETWORKING_VERSIONS,
  shortNames: ["gw"],
  description: "Ports and hosts that gateway proxies serve. VirtualServices say where the traffic goes.",
  schema: GatewaySpec,
  columns: [],
  check: checkGateway,
  ineffective: ineffectiveInGateway,
  checkIdentity: ({ name }, check) => checkGatewayName(name, check),
};
