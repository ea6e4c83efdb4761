import type { Path } from "@xebec/model-schema";
import { field, list, map, message, type Static, string, uint32 } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import { isIp, isLabel, isName, isSubnet } from "../../rules/names.ts";

const NetworkEndpoints = message("Network.NetworkEndpoints", {
  fromCidr: field(string(), "Endpoints and proxies with an address of this network are in it."),
  fromRegistry: field(string(), "Endpoints of this registry, `Kubernetes`, whose network nothing else says."),
});

const Gateway = message("Network.IstioNetworkGateway", {
  registryServiceName: field(string(), "The gateway's service by its full name; its external addresses are called."),
  address: field(string(), "The IP address of the gateway."),
  port: field(uint32({ maximum: 65_535 }), "The port of the gateway."),
  locality: field(string(), "Where the gateway is.", {
    noEffect: "the endpoints behind it say where they are, as in Istio",
  }),
});

const Network = message("Network", {
  endpoints: field(list(NetworkEndpoints), "What is in the network."),
  gateways: field(list(Gateway), "How it is reached from other networks."),
});

/** Which networks there are, and how each is reached from the others (docs/reference/pilot.md §1.9). */
export const MeshNetworks = message("MeshNetworks", {
  networks: field(map(Network), "The networks, by their names."),
});
export type MeshNetworks = Static<typeof MeshNetworks>;

/** Rules of networks, as Istio has them. */
export function checkMeshNetworks(spec: MeshNetworks | undefined, path: Path, check: Checker): void {
  for (const [name, { endpoints = [], gateways = [] }] of Object.entries(spec?.networks ?? {})) {
    const at = [...path, "networks", name];
    if (!isLabel(name)) check.fail(at, `"${name}" is not a name of a network: letters, digits and - are allowed`);
    for (const [i, { fromCidr, fromRegistry }] of endpoints.entries()) {
      const place = [...at, "endpoints", i];
      if ((fromCidr === undefined) === (fromRegistry === undefined))
        check.fail(place, "one of fromCidr and fromRegistry is needed");
      if (fromCidr !== undefined && !isSubnet(fromCidr))
        check.fail([...place, "fromCidr"], `"${fromCidr}" is not a network`);
    }
    for (const [i, { address, registryServiceName, port }] of gateways.entries()) {
      const place = [...at, "gateways", i];
      if ((address === undefined) === (registryServiceName === undefined))
        check.fail(place, "one of address and registryServiceName is needed");
      if (address !== undefined && !isIp(address) && !isName(address))
        check.fail([...place, "address"], `"${address}" is neither an IP address nor a host name`);
      if (registryServiceName !== undefined && !isName(registryServiceName))
        check.fail([...place, "registryServiceName"], `"${registryServiceName}" is not a name of a service`);
      if (!port) check.fail([...place, "port"], "must be from 1 to 65535");
    }
  }
}
