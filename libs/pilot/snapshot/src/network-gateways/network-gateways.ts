import { isIP } from "node:net";
import type { MeshState } from "../kinds/mesh-config/state.ts";
import { Query } from "../query.ts";
import { type ServiceState, serviceKeys } from "../services/services.ts";
import { type HostAddressState, hostAddressKeys } from "./host-addresses.ts";

/** Where a network is entered. */
export interface NetworkGateway {
  readonly network: string;
  /** An IP address. */
  readonly address: string;
  readonly port: number;
}

/** A gateway as it is written, with an IP address or a host name. @property path of the field in the mesh configuration */
interface GivenGateway extends NetworkGateway {
  readonly path?: string;
}

type GivenReads = MeshState & Pick<ServiceState, "services" | "networkGateways">;

/** Those of the mesh configuration, and services that say so by their labels (docs/reference/pilot.md §1.9). */
function* givenGateways({ mesh, services, networkGateways }: GivenReads): Iterable<GivenGateway> {
  for (const [network, { gateways = [] }] of Object.entries(mesh.networks))
    for (const [i, { address, registryServiceName, port = 0 }] of gateways.entries()) {
      const path = `spec.meshNetworks.networks.${network}.gateways[${i}]`;
      if (address !== undefined) yield { network, address, port, path: `${path}.address` };
      for (const each of services.get(registryServiceName ?? "") ?? [])
        for (const external of each.externalAddresses ?? [])
          yield {
            network,
            address: external,
            port: each.externalPorts?.[port] ?? port,
            path: `${path}.registryServiceName`,
          };
    }
  for (const { gatewayOf, externalAddresses = [] } of networkGateways.values())
    if (gatewayOf) for (const address of externalAddresses) yield { ...gatewayOf, address };
}

/** The gateways of all networks, those with host names at the addresses of these hosts. A host without address has none. */
export const networkGatewaysOf = new Query((state: GivenReads & HostAddressState, keys): readonly NetworkGateway[] => {
  keys.add(serviceKeys.networkGateways);
  for (const { gateways = [] } of Object.values(state.mesh.networks))
    for (const { registryServiceName } of gateways)
      if (registryServiceName !== undefined) keys.add(serviceKeys.service(registryServiceName));
  const found: NetworkGateway[] = [];
  for (const { network, address, port } of givenGateways(state)) {
    if (isIP(address) !== 0) found.push({ network, address, port });
    else {
      keys.add(hostAddressKeys.hostAddresses(address));
      for (const each of state.hostAddresses.get(address)?.addresses ?? [])
        found.push({ network, address: each, port });
    }
  }
  return found;
});

/** The hosts by which gateways are known, each once: they have to be resolved. */
export function gatewayHosts(state: GivenReads): readonly string[] {
  const hosts = [...givenGateways(state)].map(({ address }) => address).filter((each) => isIP(each) === 0);
  return [...new Set(hosts)];
}

/** What is wrong with the hosts of the mesh configuration's gateways, as `path: why`. */
export function gatewayProblems(state: GivenReads & HostAddressState): string[] {
  const problems: string[] = [];
  for (const { address, network, path } of givenGateways(state)) {
    const known = isIP(address) === 0 ? state.hostAddresses.get(address) : undefined;
    if (path === undefined || !known?.problem) continue;
    const effect =
      known.addresses.length > 0 ? "its addresses of before are in effect" : `nobody enters ${network} through it`;
    problems.push(`${path}: ${known.problem}; ${effect}`);
  }
  return problems;
}
