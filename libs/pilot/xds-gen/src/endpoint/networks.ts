import { BlockList, isIP } from "node:net";
import type { MeshEndpoint } from "@xebec/pilot-registry";
import { type Mesh, type NetworkGateway, networkGatewaysOf } from "@xebec/pilot-snapshot";
import type { Place } from "../scope/place.ts";
import type { Scope } from "../scope/scope.ts";
import { type LocalityGroup, weightOf } from "./locality-groups.ts";

// Endpoints of other networks are reached through the gateways of their networks (docs/reference/pilot.md §1.9).

/** The networks that the mesh configuration names by their addresses. */
interface KnownNetworks {
  readonly subnets: readonly { readonly network: string; readonly addresses: BlockList }[];
  /** That of the registry's endpoints of which nothing else is known. */
  readonly ofRegistry: string;
}

const known = new WeakMap<object, KnownNetworks>();

function knownNetworks({ networks }: Pick<Mesh, "networks">): KnownNetworks {
  let found = known.get(networks);
  if (!found) {
    const parts = Object.entries(networks).flatMap(([network, { endpoints = [] }]) =>
      endpoints.map((each) => ({ network, ...each })),
    );
    found = {
      subnets: parts.flatMap(({ network, fromCidr }) =>
        fromCidr === undefined ? [] : [{ network, addresses: blockOf(fromCidr) }],
      ),
      ofRegistry: parts.find(({ fromRegistry }) => fromRegistry !== undefined)?.network ?? "",
    };
    known.set(networks, found);
  }
  return found;
}

function blockOf(cidr: string): BlockList {
  const [address = "", length] = cidr.split("/");
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  const block = new BlockList();
  block.addSubnet(address, Number(length ?? (family === "ipv6" ? 128 : 32)), family);
  return block;
}

/**
 * The network of an address, as the mesh configuration says; empty where it does not.
 * @param isOfRegistry true for what Kubernetes has
 */
export function networkOfAddress(mesh: Pick<Mesh, "networks">, address: string, isOfRegistry: boolean): string {
  const { subnets, ofRegistry } = knownNetworks(mesh);
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  const found = isIP(address) === 0 ? undefined : subnets.find(({ addresses }) => addresses.check(address, family));
  return found?.network ?? (isOfRegistry ? ofRegistry : "");
}

function networkOf(mesh: Pick<Mesh, "networks">, { network, address, workload }: MeshEndpoint): string {
  // Only pods have the name of a workload.
  return network ?? networkOfAddress(mesh, address, workload !== undefined);
}

/** True when endpoints may be in different networks, so that it matters where a client is. */
export function haveNetworks({ mesh }: Pick<Scope, "mesh">, endpoints: readonly MeshEndpoint[]): boolean {
  return Object.keys(mesh.networks).length > 0 || endpoints.some(({ network }) => network !== undefined);
}

/**
 * The groups as a client in a place reaches them: endpoints of its own network, or of one that is not known or has no gateway, directly; all
 * others through the gateways of their network, which share the weight of the endpoints that speak mutual TLS. Gateways choose by the
 * server name of mutual TLS, so that others cannot be reached.
 * @param speaksMtls says whether an endpoint is called by mutual TLS
 */
export function acrossNetworks(
  scope: Scope,
  groups: readonly LocalityGroup[],
  place: Place,
  portName: string,
  speaksMtls: (endpoint: MeshEndpoint) => boolean,
): LocalityGroup[] {
  const gateways = networkGateways(scope);
  const scale = [...gateways.values()].reduce((product, list) => leastCommonMultiple(product, list.length), 1);
  const view = place.networkView ? new Set(place.networkView.split(",").map((each) => each.trim())) : undefined;
  return groups.flatMap((group) => {
    const direct: MeshEndpoint[] = [];
    const shares = new Map<NetworkGateway, number>();
    for (const endpoint of group.endpoints) {
      const network = networkOf(scope.mesh, endpoint);
      if (view && network && !view.has(network)) continue;
      const entries = gateways.get(network) ?? [];
      if (!network || !place.network || network === place.network || entries.length === 0) {
        if (endpoint.address !== "") direct.push(weighing(endpoint, scale));
      } else if (speaksMtls(endpoint))
        for (const each of entries)
          shares.set(each, (shares.get(each) ?? 0) + (endpoint.weight * scale) / entries.length);
    }
    const behind = [...shares].map(([{ address, port }, weight]) => ({
      ...{ address, ports: { [portName]: port }, labels: {}, locality: group.locality, weight, mtls: true },
    }));
    const endpoints = [...direct, ...behind];
    return endpoints.length === 0 ? [] : [{ ...group, endpoints, weight: weightOf(endpoints) }];
  });
}

/** The gateways of each network that has some. */
function networkGateways(scope: Scope): ReadonlyMap<string, readonly NetworkGateway[]> {
  return scope.cached("network-gateways", (inner) => {
    const found = new Map<string, NetworkGateway[]>();
    for (const gateway of inner.read(networkGatewaysOf)) {
      const { network, address, port } = gateway;
      const list = found.get(network) ?? [];
      found.set(network, list);
      if (!list.some((each) => each.address === address && each.port === port)) list.push(gateway);
    }
    for (const list of found.values())
      list.sort((a, b) => (a.address === b.address ? a.port - b.port : a.address < b.address ? -1 : 1));
    return found;
  });
}

const scaled = new WeakMap<MeshEndpoint, MeshEndpoint>();

/** An endpoint whose weight can be compared with those of gateways: the same object each time. */
function weighing(endpoint: MeshEndpoint, scale: number): MeshEndpoint {
  if (scale === 1) return endpoint;
  const before = scaled.get(endpoint);
  if (before?.weight === endpoint.weight * scale) return before;
  const after = { ...endpoint, weight: endpoint.weight * scale };
  scaled.set(endpoint, after);
  return after;
}

function leastCommonMultiple(a: number, b: number): number {
  const divisor = (x: number, y: number): number => (y === 0 ? x : divisor(y, x % y));
  return b === 0 ? a : (a / divisor(a, b)) * b;
}
